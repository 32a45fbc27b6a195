package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// badMessage is a frame whose content is not a message.
type badMessage struct {
	code   protocol.Code
	text   string
	id     json.RawMessage // nil where there is none that can be used
	silent bool            // it was no request: nobody waits for an answer
	fatal  bool            // the stream cannot go on
}

func (b *badMessage) Error() string { return b.text }

func (b *badMessage) error() error {
	return &protocol.Error{
		Code:    b.code,
		Message: b.text,
		Hint:    "This is a fault of the editor extension: see the base protocol of LSP 3.17, and JSON-RPC 2.0.",
	}
}

// envelope has the members of a JSON-RPC message: nil for one that is absent,
// which is not the same as null.
type envelope struct {
	Version json.RawMessage `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  json.RawMessage `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// parseEnvelope takes members by their exact names, as JSON-RPC 2.0 section 2 has
// it; encoding/json would take "ID" for "id".
func parseEnvelope(object []byte) (envelope, error) {
	var m map[string]json.RawMessage
	err := json.Unmarshal(object, &m)
	return envelope{m["jsonrpc"], m["id"], m["method"], m["params"], m["result"], m["error"]}, err
}

// parseMessage checks a message and returns it in the form that jsonrpc2
// understands. That package knows ids of 64 bits without a sign; so that each
// comes back as it was sent, the id of a request is replaced by a string of its
// JSON text, which restoreID undoes.
func parseMessage(body []byte) (object []byte, bad *badMessage) {
	body = bytes.TrimSpace(body)
	switch {
	case !utf8.Valid(body):
		return nil, &badMessage{code: protocol.ParseError, text: "the message is not UTF-8"}
	case !json.Valid(body):
		return nil, &badMessage{code: protocol.ParseError, text: "the message is not JSON"}
	case body[0] == '[':
		return nil, invalidMessage(nil, "batches are not part of the Language Server Protocol: send messages one by one")
	case body[0] != '{':
		return nil, invalidMessage(nil, "a message is a JSON object")
	}
	m, err := parseEnvelope(body)
	if err != nil {
		return nil, invalidMessage(nil, "the message cannot be read")
	}
	if m.Method == nil {
		return parseResponse(m)
	}
	return parseRequest(m)
}

func parseRequest(m envelope) ([]byte, *badMessage) {
	id, ok := m.requestID()
	switch {
	case !ok:
		return nil, invalidMessage(nil, "an id is a string or an integer")
	case !m.isVersion2():
		return nil, invalidMessage(id, `the member "jsonrpc" is not "2.0"`)
	case m.Method[0] != '"':
		return nil, invalidMessage(id, "the method is not a string")
	case m.Result != nil || m.Error != nil:
		return nil, invalidMessage(id, "the message is both a request and a response")
	case m.Params != nil && !isStructured(m.Params):
		return nil, invalidMessage(id, "params is neither an object nor a list")
	}
	if id != nil {
		m.ID = quoteID(id)
	}
	object, err := json.Marshal(m)
	if err != nil {
		return nil, invalidMessage(id, "the message cannot be read")
	}
	return object, nil
}

// requestID returns the id of a request, nil for a notification. It is not ok
// where the id is of another type.
func (m envelope) requestID() (id json.RawMessage, ok bool) {
	if m.ID == nil {
		return nil, true
	}
	return m.ID, protocol.IsStringOrInteger(m.ID)
}

func (m envelope) isVersion2() bool { return string(m.Version) == `"2.0"` }

// isStructured reports whether params are what JSON-RPC allows, or null, which
// some editors send for none.
func isStructured(params json.RawMessage) bool {
	return params[0] == '{' || params[0] == '[' || params[0] == 'n'
}

// parseResponse checks an answer of the editor's. Nobody is told of a bad one,
// but whoever waits for it must not wait for ever.
func parseResponse(m envelope) ([]byte, *badMessage) {
	if string(m.Error) == "null" { // as some editors send with a result
		m.Error = nil
	}
	isResponse := m.Result != nil || m.Error != nil
	if id, ok := m.requestID(); !isResponse {
		if !ok {
			id = nil
		}
		return nil, invalidMessage(id, "the message is neither a request nor a response")
	}
	if m.ID == nil || !isOwnID(m.ID) {
		return nil, &badMessage{text: "a response to nothing that was asked", silent: true}
	}
	if m.Error != nil && !isErrorObject(m.Error) {
		m.Error = json.RawMessage(`{"code":-32603,"message":"the editor's error could not be read"}`)
	}
	object, err := json.Marshal(m)
	if err != nil {
		return nil, &badMessage{text: "a response cannot be read", silent: true}
	}
	return object, nil
}

// isOwnID reports whether id can be one of those that jsonrpc2 gives out.
func isOwnID(id json.RawMessage) bool {
	var own uint64
	return string(id) != "null" && json.Unmarshal(id, &own) == nil
}

func isErrorObject(data json.RawMessage) bool {
	var object struct {
		Code    int64  `json:"code"`
		Message string `json:"message"`
	}
	return data[0] == '{' && json.Unmarshal(data, &object) == nil
}

func invalidMessage(id json.RawMessage, text string) *badMessage {
	return &badMessage{code: protocol.InvalidRequest, text: text, id: id}
}

func quoteID(id json.RawMessage) json.RawMessage {
	quoted, _ := json.Marshal(string(id)) // a string always encodes
	return quoted
}

var errNoID = errors.New("agent: a response without an id")

// restoreID puts the id of a request back into the response to it. Requests of
// the agent's own are left as they are.
func restoreID(object []byte) ([]byte, error) {
	var m envelope
	if err := json.Unmarshal(object, &m); err != nil {
		return nil, err
	}
	if m.Method != nil {
		return object, nil
	}
	if m.ID == nil {
		return nil, errNoID
	}
	var carried string
	if err := json.Unmarshal(m.ID, &carried); err != nil {
		return nil, err
	}
	m.ID = json.RawMessage(carried)
	return json.Marshal(m)
}
