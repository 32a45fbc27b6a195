package agent

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// editor is the other end of the stream. Only goroutines other than the reading
// one may wait for its answers.
type editor struct {
	conn  *jsonrpc2.Conn
	out   *outbox
	asked *questions
}

// questions are the requests that the editor was sent.
type questions struct {
	last  atomic.Uint64 // the id of the newest
	open  atomic.Int64  // how many it has not answered, whoever still waits
	heard sync.Map      // by id: what is called as soon as the answer is there
}

// hear is told of each answer on the reading goroutine, before what comes after it is
// read.
func (q *questions) hear(_ *jsonrpc2.Request, answer *jsonrpc2.Response) {
	if answer == nil {
		return
	}
	if heard, ok := q.heard.LoadAndDelete(answer.ID.Num); ok {
		heard.(func())()
	}
}

// maxQuestions is how many of them an editor may leave unanswered before it is
// asked no more: each is remembered until it is answered.
const maxQuestions = 32

var (
	errNotAnswering = errors.New("agent: the editor has left too many requests unanswered")
	errNotReading   = errors.New("agent: the editor does not read what it is told")
)

type editorKey struct{}

func withEditor(ctx context.Context, e editor) context.Context {
	return context.WithValue(ctx, editorKey{}, e)
}

// editorOf returns the editor that a request came from.
func editorOf(ctx context.Context) editor {
	e, _ := ctx.Value(editorKey{}).(editor)
	return e
}

// ask sends the editor a request and waits for the answer. Where ctx ends first,
// the editor is told that nobody waits any more.
func ask[P, R any](ctx context.Context, e editor, method protocol.Request[P, R], params P) (R, error) {
	return askAndHear(ctx, e, method, params, func() {})
}

// askAndHear is ask for whoever wants to know of the answer before anything else that
// the editor says is taken up: heard is called on the goroutine that reads from it.
func askAndHear[P, R any](ctx context.Context, e editor, method protocol.Request[P, R], params P, heard func()) (R, error) {
	var result R
	if e.out.isFull() {
		return result, errNotReading
	}
	if e.asked.open.Add(1) > maxQuestions {
		e.asked.open.Add(-1)
		return result, errNotAnswering
	}
	id := e.asked.last.Add(1)
	e.asked.heard.Store(id, heard)
	defer e.asked.heard.Delete(id)
	waiter, err := e.conn.DispatchCall(ctx, method.Method(), params, jsonrpc2.PickID(jsonrpc2.ID{Num: id}))
	if err != nil {
		e.asked.open.Add(-1)
		return result, err
	}
	err = waiter.Wait(ctx, &result)
	if err == nil || ctx.Err() == nil {
		e.asked.open.Add(-1)
		return result, err
	}
	go func() { // until the answer comes after all, or the session ends
		defer e.asked.open.Add(-1)
		_ = waiter.Wait(context.Background(), nil)
	}()
	return result, errors.Join(err, tell(ctx, e, protocol.CancelRequest, protocol.CancelParams{
		ID: json.RawMessage(strconv.FormatUint(id, 10)),
	}))
}

// tell sends the editor a notification. An editor that is gone hears nothing, and
// one that does not read is told no more.
func tell[P any](ctx context.Context, e editor, method protocol.Notification[P], params P) error {
	if e.out.isFull() {
		return errNotReading
	}
	err := e.conn.Notify(context.WithoutCancel(ctx), method.Method(), params)
	if errors.Is(err, jsonrpc2.ErrClosed) || errors.Is(err, errOutboxClosed) {
		return nil
	}
	return err
}

func (a *Agent) showMessage(kind protocol.MessageType, text string) {
	a.mu.Lock()
	e := a.client.editor
	a.mu.Unlock()
	if err := tell(context.Background(), e, protocol.ShowMessage, protocol.MessageParams{Type: kind, Message: text}); err != nil {
		a.log.Warn("a message was not shown", "error", err)
	}
}
