package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// connection is one to a server.
type connection struct {
	conn        *nats.Conn
	js          jetstream.JetStream
	credentials credentials // with which it was made
	log         *slog.Logger

	lost   chan error    // gets why it ended
	busy   chan struct{} // has room for one request
	closed chan struct{}

	mu     sync.Mutex // guards refuse
	refuse context.CancelCauseFunc
}

// connect reads the credentials anew and connects. The connection ends with ctx,
// which has to end.
func (r *Registry) connect(ctx context.Context) (*connection, error) {
	credentials, err := readCredentials(r.Team.CredentialsFile, r.servers)
	if err != nil {
		return nil, err
	}
	for _, text := range credentials.secrets {
		r.Seen(text)
	}
	c := &connection{
		credentials: credentials, log: r.Log,
		lost: make(chan error, 1), busy: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	options := []nats.Option{
		nats.Name("codestream-agent"),
		nats.Timeout(connectTimeout),
		nats.NoReconnect(),
		// What others with the same credentials cannot guess they cannot have sent here.
		nats.CustomInboxPrefix("_INBOX." + rand.Text()),
		// Before TLS a server says where others are, and so can whoever is between.
		nats.IgnoreDiscoveredServers(),
		nats.SkipHostLookup(), // it knows no context, and the dialer does
		nats.SetCustomDialer(dialer{ctx}),
		nats.PingInterval(r.pace.ping),
		nats.MaxPingsOutstanding(2),
		nats.ClosedHandler(func(conn *nats.Conn) { c.lose(whyClosed(conn)) }),
		nats.ErrorHandler(c.asyncError),
		func(o *nats.Options) error { o.TLSConfig = r.TLS; return nil }, // nats.Secure would demand TLS of nats:// too
	}
	if credentials.option != nil {
		options = append(options, credentials.option)
	}
	if c.conn, err = nats.Connect(strings.Join(r.servers, ","), options...); err != nil {
		return nil, err
	}
	if c.js, err = jetstream.New(c.conn); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// close ends the connection after the request that is under way, and before any other.
func (c *connection) close() {
	c.busy <- struct{}{}
	close(c.closed)
	c.conn.Close()
}

var errClosed = errors.New("the connection was closed before the request was sent")

// do runs one request, of which there is one at a time. A server that does not allow
// it says so beside the answer, for which one would wait in vain. Where no answer
// comes in time, the connection is of use no more. It returns errClosed where nothing
// was sent.
func (c *connection) do(ctx context.Context, request func(context.Context) error) error {
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	case <-c.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	asked, refuse := context.WithCancelCause(bounded)
	defer refuse(nil)
	c.onRefusal(refuse)
	defer c.onRefusal(nil)
	err := request(asked)
	switch {
	case err == nil:
	case errors.Is(context.Cause(asked), nats.ErrPermissionViolation):
		return nats.ErrPermissionViolation
	case bounded.Err() != nil && ctx.Err() == nil:
		c.lose(nats.ErrTimeout)
		return nats.ErrTimeout
	}
	return err
}

func (c *connection) onRefusal(refuse context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = refuse
}

func whyClosed(conn *nats.Conn) error {
	return cmp.Or(conn.LastError(), error(nats.ErrConnectionClosed))
}

// lose says why the connection is of use no more. The first reason counts.
func (c *connection) lose(err error) {
	select {
	case c.lost <- err:
	default:
	}
}

// asyncError takes what the server says beside its answers. What concerns a
// subscription is that the watch is not to be relied on any more.
func (c *connection) asyncError(_ *nats.Conn, watch *nats.Subscription, err error) {
	c.log.Info("the team's registry says", "error", err)
	if watch != nil {
		c.lose(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil && errors.Is(err, nats.ErrPermissionViolation) {
		c.refuse(err)
	}
}

// dialer cuts off what it has dialled when its context ends, since [nats.Connect]
// knows no context.
type dialer struct{ ctx context.Context }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: connectTimeout}).DialContext(d.ctx, network, address)
	if err == nil {
		context.AfterFunc(d.ctx, func() { conn.Close() })
	}
	return conn, err
}
