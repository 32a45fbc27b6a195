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

	// received is told of every message, before it is looked at.
	received func()

	// ignored is told of a notification that could not be taken.
	ignored func(method string, err error)

	out       *outbox
	questions questions
	load      load
	calls     chan struct{} // holds those of the API that are under way

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
	d := &dispatcher{
		table: t, log: log, previous: nobody,
		calls: make(chan struct{}, maxCalls), running: make(map[string]context.CancelFunc),
	}
	d.work.Panicked = logPanic(log)
	return d
}

// Handle starts a request, or runs a notification.
func (d *dispatcher) Handle(ctx context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	d.received()
	var params json.RawMessage
	if req.Params != nil {
		params = *req.Params
	}
	ctx = withEditor(ctx, editor{conn, d.out, &d.questions})
	if req.Notif {
		d.notification(ctx, req.Method, params)
		return
	}
	c := &call{dispatcher: d, conn: conn, session: ctx, id: req.ID, method: req.Method, began: time.Now()}
	if err := c.begin(ctx, params); err != nil {
		c.refuse(err)
		return
	}
	before := d.previous
	switch c.order {
	case atOnce:
		c.answer(nobody)
	case independent:
		d.work.Go(func() { c.answer(nobody) })
	case sideBySide, limited: // at the end of the session there is nobody to answer
		d.work.Go(func() { c.answer(before) })
	case inOrder:
		done := make(chan struct{})
		d.previous = done
		d.work.Go(func() {
			defer close(done)
			defer func() { <-before }() // a cancelled one keeps its place
			c.answer(before)
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
	if !ok || handler.isRequest {
		if !strings.HasPrefix(method, "$/") {
			d.log.Info("unknown notification", "method", method)
		}
		return
	}
	_, err := fenced(ctx, d.log, method, func(ctx context.Context) (any, error) {
		run, err := handler.prepare(params)
		if err != nil {
			return nil, err
		}
		return run(ctx)
	})
	if err != nil {
		d.log.Warn("a notification was ignored", "method", method, "error", err)
		d.ignored(method, err)
	}
}

// find returns the handler of a method that is allowed now.
func (d *dispatcher) find(method string) (handler, error) {
	if err := d.gate(method, true); err != nil {
		return handler{}, err
	}
	h, ok := d.table[method]
	if !ok || !h.isRequest {
		return handler{}, &protocol.Error{
			Code:    protocol.MethodNotFound,
			Message: "this build does not answer the method " + method,
			Hint:    "capabilities.experimental.gitlabSM in the answer to initialize lists the methods that it does.",
		}
	}
	return h, nil
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

// cancelAll ends the wait of every request that is under way.
func (d *dispatcher) cancelAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, cancel := range d.running {
		cancel()
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

// logPanic logs the panic of a goroutine that answers no request, and ends with
// it.
func logPanic(log *slog.Logger) func(value any, stack []byte) {
	return func(value any, stack []byte) {
		log.Error("a panic ended a goroutine", "cause", value, "stack", string(stack))
	}
}
