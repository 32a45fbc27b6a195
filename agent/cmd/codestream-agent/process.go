package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
)

// surviveClosedPipes keeps the process when it writes to a stdout or stderr that
// the editor has closed: a refresh under way has still to be saved. Without a
// handler such a write ends a Go program (see package os/signal, "SIGPIPE").
var surviveClosedPipes = sync.OnceFunc(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) })

// endingSignals ask the process to end.
var endingSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

// onSignal calls end when the process is asked to end. Until it is called, such a
// signal ends the process at once.
func onSignal(end func()) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, endingSignals...)
	go func() {
		<-asked
		end()
	}()
}

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
