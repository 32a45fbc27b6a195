package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// surviveClosedPipes keeps the process when it writes to a stdout or stderr that
// the editor has closed: a refresh under way has still to be saved. Without a
// handler such a write ends a Go program (see package os/signal, "SIGPIPE").
func surviveClosedPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// memoryLimit is above what the largest message takes; the garbage collector works
// harder where more would be kept.
const memoryLimit = 256 << 20

// limitMemory gives memory back that one large message has needed, rather than
// keep as much again in reserve. $GOMEMLIMIT has the last word.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
