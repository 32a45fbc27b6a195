package auth

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// maxVisitors is how many connections the listener of a sign-in has at a time.
	// A browser opens one or two.
	maxVisitors = 32

	// courtesy is how long a connection has for its request before it may have to
	// make room. A browser on this machine sends it at once.
	courtesy = 50 * time.Millisecond
)

// visitors are the connections to the listener of a sign-in. A page that the user
// has open can make hundreds, and say nothing on them. So when there are too many,
// the one that has been silent for the longest is closed in favour of the new one:
// the browser with the callback always gets in.
type visitors struct {
	mu   sync.Mutex // guards list, and what is in it
	list []*visitor // the oldest first; without those that are kept
}

type visitor struct {
	conn  net.Conn
	since time.Time
	asked bool // its request is here
}

// visitorKey is under which a request's context has its connection.
type visitorKey struct{}

func withVisitor(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, visitorKey{}, conn)
}

// watch is the server's ConnState. The new connection is the server's by then, and
// closed with it; the next one is accepted only when watch has returned.
func (v *visitors) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		for wait := v.enter(conn); wait > 0; wait = v.enter(conn) {
			time.Sleep(wait)
		}
	case http.StateClosed:
		v.mu.Lock()
		defer v.mu.Unlock()
		v.remove(conn)
	}
}

// enter lets a connection in, or returns how long to wait until another has had
// its time.
func (v *visitors) enter(conn net.Conn) (wait time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.list) == maxVisitors {
		i := max(0, slices.IndexFunc(v.list, func(other *visitor) bool { return !other.asked }))
		if wait = courtesy - time.Since(v.list[i].since); wait > 0 {
			return wait
		}
		v.list[i].conn.Close()
		v.list = slices.Delete(v.list, i, i+1)
	}
	v.list = append(v.list, &visitor{conn: conn, since: time.Now()})
	return 0
}

// asked notes that the whole request of a context is here.
func (v *visitors) asked(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, other := range v.list {
		if other.conn == ctx.Value(visitorKey{}) {
			other.asked = true
		}
	}
}

// keep spares the connection of a request's context from having to make room.
// Only who knew a secret of the sign-in is kept.
func (v *visitors) keep(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.remove(ctx.Value(visitorKey{}))
}

// dismiss closes the connections that have not asked for anything.
func (v *visitors) dismiss() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, other := range v.list {
		if !other.asked {
			other.conn.Close()
		}
	}
}

// remove takes a connection out of the list. The caller holds mu.
func (v *visitors) remove(conn any) {
	v.list = slices.DeleteFunc(v.list, func(other *visitor) bool { return other.conn == conn })
}
