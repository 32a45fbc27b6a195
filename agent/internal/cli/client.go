package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// client is an editor whose agent runs in this process.
type client struct {
	agent *agent.Agent
	conn  *jsonrpc2.Conn
	last  atomic.Uint64 // the id of the newest request
	ended chan struct{} // closed when the agent has ended
	once  sync.Once
}

// pipe is one end of a stream in memory.
type pipe struct {
	io.Reader
	io.WriteCloser
}

// connect starts an agent. hear is told of what it says by itself, and choose
// answers its questions; nil for nobody.
func (t *terminal) connect(ctx context.Context, hear func(method string, params json.RawMessage), choose func(protocol.ShowMessageRequestParams) *protocol.MessageActionItem) (*client, error) {
	a, err := t.NewAgent(cmp.Or(t.LogLevel, "error"))
	if err != nil { // what flags and variables say
		return nil, usageError{err}
	}
	toAgent, fromHere := io.Pipe()
	toHere, fromAgent := io.Pipe()
	c := &client{agent: a, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		a.Serve(context.WithoutCancel(ctx), toAgent, fromAgent) // a refresh under way is saved, whatever ends
		fromAgent.Close()
	}()
	stream := jsonrpc2.NewBufferedStream(pipe{toHere, fromHere}, jsonrpc2.VSCodeObjectCodec{})
	c.conn = jsonrpc2.NewConn(context.WithoutCancel(ctx), stream, listener{t, hear, choose})
	_, err = call(ctx, c, protocol.Initialize, protocol.InitializeParams{
		ClientInfo:       &protocol.Info{Name: "codestream-agent", Version: t.Version},
		WorkspaceFolders: workspaceFolders(),
	})
	if err != nil {
		c.close()
		return nil, err
	}
	return c, c.conn.Notify(ctx, protocol.Initialized.Method(), struct{}{})
}

// close ends the agent as an editor does.
func (c *client) close() {
	c.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = c.conn.Call(ctx, protocol.Shutdown.Method(), nil, nil) // where it does not answer, the pipe's end ends it
		_ = c.conn.Notify(ctx, protocol.Exit.Method(), nil)
		select {
		case <-c.ended:
		case <-ctx.Done():
		}
		_ = c.conn.Close()
	})
}

// call sends a request and waits for its answer. A cancelled ctx cancels it, and
// the agent's word that it has ended is waited for.
func call[P, R any](ctx context.Context, c *client, method protocol.Request[P, R], params P) (result R, err error) {
	id := c.last.Add(1)
	waiter, err := c.conn.DispatchCall(context.WithoutCancel(ctx), method.Method(), params, jsonrpc2.PickID(jsonrpc2.ID{Num: id}))
	if err != nil {
		return result, err
	}
	settled := context.AfterFunc(ctx, func() {
		number := json.RawMessage(strconv.FormatUint(id, 10))
		_ = c.conn.Notify(context.Background(), protocol.CancelRequest.Method(), protocol.CancelParams{ID: number})
	})
	defer settled()
	return result, known(waiter.Wait(context.WithoutCancel(ctx), &result))
}

// known makes the protocol's error of a wire error.
func known(err error) error {
	var wire *jsonrpc2.Error
	if !errors.As(err, &wire) {
		return err
	}
	e := &protocol.Error{Code: protocol.Code(wire.Code), Message: wire.Message}
	var data protocol.ErrorData
	if wire.Data != nil && json.Unmarshal(*wire.Data, &data) == nil {
		e.Hint, e.Instance, e.Status, e.Details = data.Hint, data.Instance, data.Status, data.Details
		e.RetryAfter = time.Duration(data.RetryAfterSeconds) * time.Second
	}
	return e
}

// listener hears what the agent says by itself.
type listener struct {
	terminal *terminal
	hear     func(method string, params json.RawMessage)
	choose   func(protocol.ShowMessageRequestParams) *protocol.MessageActionItem
}

func (l listener) Handle(ctx context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	var params json.RawMessage
	if req.Params != nil {
		params = *req.Params
	}
	switch {
	case req.Method == protocol.ShowMessageRequest.Method():
		go l.answer(ctx, conn, req.ID, params) // the answers to what was asked come meanwhile
		return
	case req.Method == protocol.ShowMessage.Method():
		var message protocol.MessageParams
		if json.Unmarshal(params, &message) == nil {
			l.terminal.warn([]string{message.Message})
		}
	case l.hear != nil:
		l.hear(req.Method, params)
	}
	if !req.Notif {
		_ = conn.ReplyWithError(ctx, req.ID, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "this is a terminal"})
	}
}

// answer answers a question: nothing was chosen where nobody can be asked.
func (l listener) answer(ctx context.Context, conn *jsonrpc2.Conn, id jsonrpc2.ID, params json.RawMessage) {
	var question protocol.ShowMessageRequestParams
	var chosen *protocol.MessageActionItem
	if l.choose != nil && json.Unmarshal(params, &question) == nil {
		chosen = l.choose(question)
	}
	_ = conn.Reply(ctx, id, chosen) // where it has ended, nobody waits
}

// with runs a command with an agent, and ends it afterwards.
func (t *terminal) with(ctx context.Context, do func(*client) error) error {
	c, err := t.connect(ctx, nil, nil)
	if err != nil {
		return err
	}
	defer c.close()
	return do(c)
}

// isTerminal reports whether a stream is one that a person sits at.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && isTerminalFile(file)
}
