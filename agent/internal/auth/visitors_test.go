package auth

import (
	"context"
	"net"
	"net/http"
	"testing"
)

// guest is a connection that notes that it was closed.
type guest struct {
	net.Conn
	closed bool
}

func (g *guest) Close() error {
	g.closed = true
	return nil
}

func TestTheSilentMakeRoom(t *testing.T) {
	var v visitors
	guests := make([]*guest, 0, 5*maxVisitors)
	come := func() {
		g := new(guest)
		guests = append(guests, g)
		v.watch(g, http.StateNew)
	}
	for range maxVisitors {
		come()
	}
	ask := func(i int) context.Context { return withVisitor(t.Context(), guests[i]) }
	v.asked(ask(0))
	v.asked(ask(2))
	v.keep(ask(4)) // it is the browser with the callback, and counts no longer
	come()
	wantClosed(t, guests)
	come() // the oldest that is silent goes
	wantClosed(t, guests, 1)
	come()
	wantClosed(t, guests, 1, 3)
	v.watch(guests[5], http.StateClosed) // by itself
	come()
	wantClosed(t, guests, 1, 3)

	for i := range guests { // all have asked, and take their time with the answers
		v.asked(ask(i))
	}
	come()
	v.asked(ask(len(guests) - 1))
	come()
	wantClosed(t, guests, 0, 1, 2, 3)
	if len(v.list) != maxVisitors {
		t.Errorf("there are %d visitors, want %d", len(v.list), maxVisitors)
	}
	v.dismiss() // the last has not asked
	wantClosed(t, guests, 0, 1, 2, 3, len(guests)-1)
}

func wantClosed(t *testing.T, guests []*guest, want ...int) {
	t.Helper()
	for i, g := range guests {
		expected := len(want) > 0 && want[0] == i
		if expected {
			want = want[1:]
		}
		if g.closed != expected {
			t.Errorf("connection %d is closed: %v, want %v", i, g.closed, expected)
		}
	}
}
