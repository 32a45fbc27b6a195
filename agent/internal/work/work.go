// Package work runs what others wait for: goroutines that must have ended before the
// process may ([Group]), and calls that may hang for ever ([Patience], [Within]).
package work

import (
	"context"
	"runtime/debug"
	"sync"
)

// Group is a set of goroutines. Its zero value is an empty one that takes more.
type Group struct {
	// Panicked, if it is set, is told of a panic, which then ends its goroutine and
	// nothing else. Otherwise a panic ends the process, as ever. It is set before
	// the first use.
	Panicked func(value any, stack []byte)

	mu     sync.Mutex // guards closed
	closed bool
	group  sync.WaitGroup
}

// Go runs f on a goroutine of the group, and reports whether it does: a group
// that was closed takes no more.
func (g *Group) Go(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.group.Go(func() {
		defer g.fence()
		f()
	})
	return true
}

func (g *Group) fence() {
	if g.Panicked == nil {
		return
	}
	if value := recover(); value != nil {
		g.Panicked(value, debug.Stack())
	}
}

// Close takes no more goroutines, and waits until those that there are have
// ended. It returns ctx's error where that comes first.
func (g *Group) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	done := make(chan struct{})
	go func() {
		g.group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
