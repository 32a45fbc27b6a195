package agent

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// dispatcher is a jsonrpc2.Handler. jsonrpc2 calls it on the goroutine that
// reads, so what it does there is in the order of the stream: the life cycle, the
// cancellation, and the place of each request in the queue.
type dispatcher struct {
	table table
	log   *slog.Logger
	gate  func(method string, isRequest bool) error // is it allowed now?
	trace func(id, method string, took time.Duration, err error)

	// ignored is told of a notification that could not be taken.
	ignored func(method string, err error)

	// previous is closed when the last ordered request has ended. It is used by
	// the reading goroutine only.
	previous <-chan struct{}

	mu      sync.Mutex // guards running
	running map[string]context.CancelFunc

	// work are the requests, and whatever else goes on beside the reading
	// goroutine.
	work work.Group
}

func newDispatcher(t table, log *slog.Logger) *dispatcher {
	return &dispatcher{table: t, log: log, previous: nobody, running: make(map[string]context.CancelFunc)}
}

// Handle starts a request, or runs a notification.
func (d *dispatcher) Handle(ctx context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	var params json.RawMessage
	if req.Params != nil {
		params = *req.Params
	}
	ctx = withEditor(ctx, conn)
	if req.Notif {
		d.notification(ctx, req.Method, params)
		return
	}
	c := call{dispatcher: d, conn: conn, id: req.ID, method: req.Method, began: time.Now()}
	run, handler, err := d.prepare(req.Method, params)
	if err != nil {
		c.reply(ctx, nil, err)
		return
	}
	id := idKey(json.RawMessage(req.ID.Str)) // as parseMessage carried it
	ctx, err = d.register(ctx, id)
	if err != nil {
		c.reply(ctx, nil, err)
		return
	}
	answer := func(before <-chan struct{}) {
		result, err := c.run(ctx, before, run)
		d.unregister(id)
		c.reply(ctx, result, err)
	}
	before := d.previous
	switch handler.order {
	case atOnce:
		answer(nobody)
	case independent:
		d.work.Go(func() { answer(nobody) })
	case sideBySide: // at the end of the session there is nobody to answer
		d.work.Go(func() { answer(before) })
	case inOrder:
		done := make(chan struct{})
		d.previous = done
		d.work.Go(func() {
			answer(before)
			<-before // a cancelled one keeps its place
			close(done)
		})
	}
}

// nobody has to be waited for.
var nobody = func() <-chan struct{} {
	ended := make(chan struct{})
	close(ended)
	return ended
}()

func (d *dispatcher) notification(ctx context.Context, method string, params json.RawMessage) {
	if d.gate(method, false) != nil {
		return
	}
	handler, ok := d.table[method]
	if !ok {
		if !strings.HasPrefix(method, "$/") {
			d.log.Info("unknown notification", "method", method)
		}
		return
	}
	run, err := handler.prepare(params)
	if err == nil {
		_, err = fenced(ctx, d.log, method, run)
	}
	if err != nil {
		d.log.Warn("a notification was ignored", "method", method, "error", err)
		d.ignored(method, err)
	}
}

func (d *dispatcher) prepare(method string, params json.RawMessage) (func(context.Context) (any, error), handler, error) {
	if err := d.gate(method, true); err != nil {
		return nil, handler{}, err
	}
	h, ok := d.table[method]
	if !ok {
		return nil, handler{}, &protocol.Error{
			Code:    protocol.MethodNotFound,
			Message: "this build does not answer the method " + method,
			Hint:    "capabilities.experimental.gitlabSM in the answer to initialize lists the methods that it does.",
		}
	}
	run, err := h.prepare(params)
	return run, h, err
}

// idKey returns one spelling of an id: strings can be written in several.
func idKey(id json.RawMessage) string {
	var text string
	if json.Unmarshal(id, &text) == nil {
		return strconv.Quote(text)
	}
	return string(id)
}

// register notes how to cancel a request, before anything can wait for it.
func (d *dispatcher) register(ctx context.Context, id string) (context.Context, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.running[id]; ok {
		return ctx, &protocol.Error{
			Code:    protocol.InvalidRequest,
			Message: "a request with this id is still under way",
			Hint:    "This is a fault of the editor extension: give each request an id of its own.",
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	d.running[id] = cancel
	return ctx, nil
}

func (d *dispatcher) unregister(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel, ok := d.running[id]; ok {
		cancel()
		delete(d.running, id)
	}
}

// cancel ends the wait of a request, if it is under way.
func (d *dispatcher) cancel(id json.RawMessage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel, ok := d.running[idKey(id)]; ok {
		cancel()
	}
}

// call is one request under way.
type call struct {
	dispatcher *dispatcher
	conn       *jsonrpc2.Conn
	id         jsonrpc2.ID
	method     string
	began      time.Time
}

// run waits for its turn, then runs the handler.
func (c call) run(ctx context.Context, before <-chan struct{}, handler func(context.Context) (any, error)) (any, error) {
	select {
	case <-before:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	result, err := fenced(ctx, c.dispatcher.log, c.method, handler)
	if err != nil && ctx.Err() != nil && !isKnown(err) {
		err = context.Canceled
	}
	if err != nil && !isKnown(err) {
		err = internal(c.dispatcher.log, c.method, err)
	}
	return result, err
}

// reply answers the request. A cancelled one is answered too. The trace comes
// before the answer, so that an editor that then turns it off or on knows which
// requests it covers.
func (c call) reply(ctx context.Context, result any, err error) {
	c.dispatcher.trace(c.id.Str, c.method, time.Since(c.began), err)
	ctx = context.WithoutCancel(ctx)
	var sendErr error
	if err != nil {
		sendErr = c.conn.ReplyWithError(ctx, c.id, wireError(err))
	} else {
		sendErr = c.conn.Reply(ctx, c.id, result)
	}
	if sendErr != nil {
		c.dispatcher.log.Info("an answer found nobody", "method", c.method, "error", sendErr)
	}
}

// fenced turns a panic into an internal error: the other requests go on.
func fenced(ctx context.Context, log *slog.Logger, method string, handler func(context.Context) (any, error)) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, internal(log, method, p, "stack", string(debug.Stack()))
		}
	}()
	return handler(ctx)
}
