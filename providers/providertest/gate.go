package providertest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// A gate is a listener that can be shut without giving up its port.
type gate struct {
	net.Listener

	// mu guards what follows.
	mu   sync.Mutex
	down bool
	open map[*gateConn]bool
}

type gateConn struct {
	*net.TCPConn
	gate *gate
}

func newGate(inner net.Listener) *gate {
	return &gate{Listener: inner, open: map[*gateConn]bool{}}
}

// Accept gives the next connection that comes while the gate is open. The
// others are reset.
func (l *gate) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &gateConn{TCPConn: conn.(*net.TCPConn), gate: l}
		l.mu.Lock()
		admitted := !l.down
		if admitted {
			l.open[c] = true
		}
		l.mu.Unlock()
		if admitted {
			return c, nil
		}
		c.reset()
	}
}

func (l *gate) set(down bool) {
	l.mu.Lock()
	l.down = down
	var cut []*gateConn
	if down {
		for c := range l.open {
			cut = append(cut, c)
		}
	}
	l.mu.Unlock()
	for _, c := range cut {
		c.reset()
	}
}

// Close forgets the connection as well.
func (c *gateConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.open, c)
	c.gate.mu.Unlock()
	return c.TCPConn.Close()
}

// reset ends the connection with a RST rather than a FIN.
func (c *gateConn) reset() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

type connKey struct{}

// withConn lets a handler find the connection that its request came on.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// cut ends the handler and resets the connection of its request.
func cut(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*gateConn); ok {
		c.reset()
	}
	panic(http.ErrAbortHandler)
}
