package sessiontest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Editor is the other end of an agent's stdin and stdout: an editor extension
// that keeps every message it gets, answers the agent's requests, and objects to
// anything on stdout that is not a frame. It has an implementation of the
// protocol's framing of its own. Its methods may be called from any goroutine.
type Editor struct {
	out  *outbox
	done chan struct{} // closed when reading has ended

	// mu guards all that follows.
	mu       sync.Mutex
	messages []*Message
	arrived  chan struct{}     // closed, and replaced, when a message arrives
	err      error             // why reading ended
	asked    map[string]string // method by id, of requests to the agent
	answers  map[string]Answer
	taken    map[string]int // by method: where Next goes on
	lastID   int
}

// Answer answers a request from the agent.
type Answer func(params json.RawMessage) (result any, err *ResponseError)

// NewEditor connects an editor to an agent's stdin and stdout. It reads until
// stdout ends; see [Editor.Close] for its own end.
func NewEditor(stdin io.Writer, stdout io.Reader) *Editor {
	e := &Editor{
		out:     newOutbox(stdin),
		done:    make(chan struct{}),
		arrived: make(chan struct{}),
		asked:   map[string]string{},
		taken:   map[string]int{},
		answers: map[string]Answer{
			protocol.ShowDocument.Method():           Always(protocol.ShowDocumentResult{Success: true}),
			protocol.WorkDoneProgressCreate.Method(): Always(nil),
			protocol.ShowMessageRequest.Method():     Always(nil),
		},
	}
	go e.read(bufio.NewReader(stdout))
	return e
}

// Always is the answer with one result.
func Always(result any) Answer {
	return func(json.RawMessage) (any, *ResponseError) { return result, nil }
}

// ByHand leaves a request open, for [Editor.Reply].
var ByHand Answer

// Answer says how requests of a method are answered from now on. Those of which
// nothing is said are refused as unknown, as an editor does.
func (e *Editor) Answer(method string, answer Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers[method] = answer
}

func (e *Editor) read(r *bufio.Reader) {
	defer close(e.done)
	for {
		body, err := readFrame(r)
		var m *Message
		if err == nil {
			m, err = decodeMessage(body)
		}
		if err == nil && m.IsRequest() {
			e.answer(m) // before anybody who has seen it says more
		}
		e.take(m, err)
		if err != nil {
			_, _ = io.Copy(io.Discard, r) // an agent that cannot write cannot end
			return
		}
	}
}

// answer answers a request of the agent's, unless that is left to [Editor.Reply].
func (e *Editor) answer(m *Message) {
	e.mu.Lock()
	answer, known := e.answers[m.Method]
	e.mu.Unlock()
	if !known {
		answer = func(json.RawMessage) (any, *ResponseError) {
			return nil, &ResponseError{Code: int(protocol.MethodNotFound), Message: "this editor does not know " + m.Method}
		}
	}
	if answer != nil {
		result, refusal := answer(m.Params)
		_ = e.reply(m.ID, result, refusal) // an agent that is gone needs none
	}
}

// take keeps a message, or the error that ended the reading.
func (e *Editor) take(m *Message, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.arrived)
	e.arrived = make(chan struct{})
	if err != nil {
		e.err = err
		return
	}
	if m.IsResponse() {
		m.Answers = e.asked[string(m.ID)]
	}
	e.messages = append(e.messages, m)
}

// Messages returns what has come so far, in order.
func (e *Editor) Messages() []*Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.messages[:len(e.messages):len(e.messages)]
}

// At returns the message with that index, counted from 0, when it is there. The
// error is ctx's, or [Editor.Err].
func (e *Editor) At(ctx context.Context, index int) (*Message, error) {
	m, _, err := e.find(ctx, index, func(*Message) bool { return true })
	return m, err
}

// Response returns the response to the request with that id.
func (e *Editor) Response(ctx context.Context, id json.RawMessage) (*Message, error) {
	m, _, err := e.find(ctx, 0, func(m *Message) bool { return m.IsResponse() && bytes.Equal(m.ID, id) })
	return m, err
}

// Next returns the next request or notification of a method: at first the first
// that came, then the one after it.
func (e *Editor) Next(ctx context.Context, method string) (*Message, error) {
	e.mu.Lock()
	from := e.taken[method]
	e.mu.Unlock()
	m, at, err := e.find(ctx, from, func(m *Message) bool { return m.Method == method })
	if err == nil {
		e.mu.Lock()
		e.taken[method] = at + 1
		e.mu.Unlock()
	}
	return m, err
}

// find waits for a message from an index on, and returns it with its index.
func (e *Editor) find(ctx context.Context, from int, wanted func(*Message) bool) (*Message, int, error) {
	for {
		e.mu.Lock()
		messages, arrived, err := e.messages, e.arrived, e.err
		e.mu.Unlock()
		for ; from < len(messages); from++ {
			if wanted(messages[from]) {
				return messages[from], from, nil
			}
		}
		if err != nil {
			return nil, from, err
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, from, context.Cause(ctx)
		}
	}
}

// Request sends a request with an id of the caller's choice. nil params are left
// out.
func (e *Editor) Request(id json.RawMessage, method string, params any) error {
	return e.send(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  string          `json:"method"`
		Params  any             `json:"params,omitempty"`
	}{"2.0", id, method, params})
}

// Notify sends a notification. nil params are left out.
func (e *Editor) Notify(method string, params any) error {
	return e.send(struct {
		Version string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
	}{"2.0", method, params})
}

// Call sends a request with an id of the editor's own, waits for the response
// and decodes its result, unless result is nil. A response with an error is a
// *[ResponseError].
func (e *Editor) Call(ctx context.Context, method string, params, result any) error {
	e.mu.Lock()
	e.lastID++
	id := json.RawMessage(strconv.Quote(fmt.Sprintf("editor-%d", e.lastID)))
	e.mu.Unlock()
	if err := e.Request(id, method, params); err != nil {
		return err
	}
	m, err := e.Response(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", method, err)
	case m.Error != nil:
		return m.Error
	case result == nil:
		return nil
	}
	return json.Unmarshal(m.Result, result)
}

// Reply answers a request of the agent's that was left [ByHand].
func (e *Editor) Reply(id json.RawMessage, result any) error { return e.reply(id, result, nil) }

// Refuse answers such a request with an error.
func (e *Editor) Refuse(id json.RawMessage, refusal ResponseError) error {
	return e.reply(id, nil, &refusal)
}

func (e *Editor) reply(id json.RawMessage, result any, refusal *ResponseError) error {
	if refusal != nil {
		return e.send(struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Error   *ResponseError  `json:"error"`
		}{"2.0", id, refusal})
	}
	return e.send(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result"`
	}{"2.0", id, result})
}

func (e *Editor) send(message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return e.Frame(body)
}

// Frame sends a frame with a body as it stands, be it JSON or not.
func (e *Editor) Frame(body []byte) error {
	var request struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	if json.Unmarshal(body, &request) == nil && request.Method != "" && request.ID != nil {
		e.mu.Lock()
		e.asked[string(request.ID)] = request.Method
		e.mu.Unlock()
	}
	return e.Bytes(frame(body))
}

// Bytes sends bytes without a frame. It does not wait until the agent has read
// them. The error says that stdin was closed, by either side.
func (e *Editor) Bytes(b []byte) error { return e.out.put(b) }

// CloseStdin closes the agent's stdin after all that was sent.
func (e *Editor) CloseStdin() { e.out.close() }

// Done is closed when stdout has ended.
func (e *Editor) Done() <-chan struct{} { return e.done }

// Err says why reading ended: io.EOF where the agent closed stdout, else what it
// wrote that is not a message. It is nil until then.
func (e *Editor) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// Close closes the agent's stdin and waits until stdout has ended.
func (e *Editor) Close() error {
	e.CloseStdin()
	<-e.done
	<-e.out.written
	if err := e.Err(); err != io.EOF {
		return err
	}
	return nil
}
