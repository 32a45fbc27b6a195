package agent

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sourcegraph/jsonrpc2"
)

// call is one request under way.
type call struct {
	dispatcher *dispatcher
	conn       *jsonrpc2.Conn
	session    context.Context // ends with the session
	id         jsonrpc2.ID
	method     string
	began      time.Time

	// What begin adds.
	ctx     context.Context // ends when the request is cancelled, too
	key     string          // the id in its one spelling
	size    int             // of the parameters, in bytes
	order   order
	handler func(context.Context) (any, error)
}

// begin decodes the parameters and registers the request, so that it can be
// cancelled before it runs. It is called on the reading goroutine.
func (c *call) begin(ctx context.Context, params json.RawMessage) error {
	d := c.dispatcher
	h, err := d.find(c.method)
	if err != nil {
		return err
	}
	_, err = fenced(ctx, d.log, c.method, func(context.Context) (any, error) {
		c.handler, err = h.prepare(params)
		return nil, err
	})
	if err != nil {
		return err
	}
	c.order, c.key = h.order, idKey(json.RawMessage(c.id.Str)) // as parseMessage carried it
	if c.order.counts() {
		c.size = len(params)
		if err := d.load.take(c.size); err != nil {
			return err
		}
	}
	if c.ctx, err = d.register(ctx, c.key); err != nil {
		c.unload()
	}
	return err
}

// unload takes the request off the load.
func (c *call) unload() {
	if c.order.counts() {
		c.dispatcher.load.answered(c.size)
	}
}

// answer runs the request and replies. It counts as under way until the reply is
// out of its hands, since it holds the result until then.
func (c *call) answer(before <-chan struct{}) {
	defer c.unload()
	if c.order == limited {
		select {
		case c.dispatcher.calls <- struct{}{}:
			defer func() { <-c.dispatcher.calls }()
		case <-c.ctx.Done():
		}
	}
	result, err := c.run(before)
	c.dispatcher.unregister(c.key)
	out := c.dispatcher.out
	if c.order == atOnce { // on the reading goroutine
		c.reply(out.answerAtOnce, result, err)
		return
	}
	c.reply(func(send func() error) error { return out.answer(c.session, send) }, result, err)
}

// run waits for its turn, then runs the handler.
func (c *call) run(before <-chan struct{}) (any, error) {
	select {
	case <-before:
	case <-c.ctx.Done():
	}
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	log := c.dispatcher.log
	result, err := fenced(c.ctx, log, c.method, c.handler)
	if err != nil && c.ctx.Err() != nil && !isKnown(err) {
		err = context.Canceled
	}
	if err != nil && !isKnown(err) {
		err = internal(log, c.method, err)
	}
	return result, err
}

// refuse answers, on the reading goroutine, a request that is not run.
func (c *call) refuse(err error) {
	c.reply(c.dispatcher.out.answerAtOnce, nil, err)
}

// reply answers the request. A cancelled one is answered too. The trace comes
// before the answer, so that an editor that then turns it off or on knows which
// requests it covers.
func (c *call) reply(when func(send func() error) error, result any, err error) {
	d := c.dispatcher
	d.trace(c.id.Str, c.method, time.Since(c.began), err)
	sendErr := when(func() error {
		if err != nil {
			return c.conn.ReplyWithError(c.session, c.id, wireError(err))
		}
		return c.conn.Reply(c.session, c.id, result)
	})
	if sendErr != nil {
		d.log.Info("an answer found nobody", "method", c.method, "error", sendErr)
	}
}
