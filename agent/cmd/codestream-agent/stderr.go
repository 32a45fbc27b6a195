package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// maxLines is how many lines of the log may wait for an editor that does not
	// read stderr. What comes after them is lost to stderr, and counted.
	maxLines = 1000

	// lastWords is how long the program waits at its end for them to be read.
	lastWords = 100 * time.Millisecond
)

// unhurried is a writer that does not wait for its reader: a full pipe would stop
// whoever logs, and with it the lock that another window waits for.
type unhurried struct {
	out  io.Writer
	done chan struct{} // closed when nothing is left to write

	mu    sync.Mutex  // guards what follows
	lines chan []byte // nil until there is the first
	lost  int
	ended bool
}

func newUnhurried(out io.Writer) *unhurried {
	return &unhurried{out: out, done: make(chan struct{})}
}

// write writes the lines, and in the end how many were lost.
func (u *unhurried) write(lines <-chan []byte) {
	defer close(u.done)
	surviveClosedPipes()
	for line := range lines {
		_, _ = u.out.Write(line) // nobody could be told
	}
	if u.lost > 0 { // nobody changes it any more
		_, _ = u.out.Write(note(u.lost))
	}
}

// Write takes a line. It always says that it has: the log has no other place for
// it.
func (u *unhurried) Write(line []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return len(line), nil
	}
	if u.lines == nil {
		u.lines = make(chan []byte, maxLines)
		go u.write(u.lines)
	}
	needed := 1
	if u.lost > 0 {
		needed = 2 // the note comes before the line
	}
	if cap(u.lines)-len(u.lines) < needed {
		u.lost++
		return len(line), nil
	}
	if u.lost > 0 {
		u.lines <- note(u.lost)
		u.lost = 0
	}
	u.lines <- append([]byte(nil), line...)
	return len(line), nil
}

func note(lost int) []byte {
	return fmt.Appendf(nil, "codestream-agent: %d lines of the log were lost, because nobody read them\n", lost)
}

// Close takes no more lines, and waits a moment until those that there are have
// been read.
func (u *unhurried) Close() error {
	u.mu.Lock()
	u.ended = true
	if u.lines == nil {
		close(u.done)
	} else {
		close(u.lines)
	}
	u.mu.Unlock()
	timeout := time.NewTimer(lastWords)
	defer timeout.Stop()
	select {
	case <-u.done:
	case <-timeout.C:
	}
	return nil
}
