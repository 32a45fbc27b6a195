package sessiontest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// Message is what the agent sent: a request (ID and Method), a notification
// (Method) or a response (ID).
type Message struct {
	// Raw is the body of the frame as it came.
	Raw []byte
	// ID is the id as it came; nil for a notification.
	ID     json.RawMessage
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *ResponseError
	// Answers is, for a response, the method of the request with that id.
	Answers string
}

// IsResponse reports whether the message answers a request.
func (m *Message) IsResponse() bool { return m.Method == "" }

// IsRequest reports whether the message wants an answer.
func (m *Message) IsRequest() bool { return m.Method != "" && m.ID != nil }

// ResponseError is the error of a response.
type ResponseError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// responseError is what a script says that the editor answers.
func responseError(r *script.Refusal) *ResponseError {
	return &ResponseError{Code: r.Code, Message: r.Message}
}

// Error returns the code's name and the message.
func (e *ResponseError) Error() string {
	return protocol.Code(e.Code).Name() + ": " + e.Message
}

// Unwrap returns the code, so that errors.Is(err, protocol.SignInRequired) asks
// for the meaning.
func (e *ResponseError) Unwrap() error { return protocol.Code(e.Code) }

// decodeMessage reads a body strictly by JSON-RPC 2.0.
func decodeMessage(raw []byte) (*Message, error) {
	var body struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  *string         `json:"method"`
		Params  json.RawMessage `json:"params"`
		Result  json.RawMessage `json:"result"`
		Error   *ResponseError  `json:"error"`
	}
	if !utf8.Valid(raw) {
		return nil, malformed("not UTF-8", raw)
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, malformed(err.Error(), raw)
	}
	m := &Message{Raw: raw, ID: body.ID, Params: body.Params, Result: body.Result, Error: body.Error}
	if body.Method != nil {
		m.Method = *body.Method
	}
	isNull := bytes.Equal(body.ID, []byte("null"))
	switch {
	case body.Version != "2.0":
		return nil, malformed(`jsonrpc is not "2.0"`, raw)
	case body.Method != nil && (m.Method == "" || isNull || body.Result != nil || body.Error != nil):
		return nil, malformed("neither a request nor a notification nor a response", raw)
	case body.Method == nil && (body.Result == nil) == (body.Error == nil):
		return nil, malformed("a response has either a result or an error", raw)
	case body.Method == nil && (body.ID == nil || isNull && body.Error == nil):
		return nil, malformed("a response without an id", raw)
	case body.Error != nil && (body.Error.Code == 0 || body.Error.Message == ""):
		return nil, malformed("an error has a code and a message", raw)
	case body.ID != nil && !isNull && !protocol.IsStringOrInteger(body.ID):
		return nil, malformed("the id is neither a string nor an integer", raw)
	}
	return m, nil
}

func malformed(why string, raw []byte) error {
	return fmt.Errorf("the agent sent a malformed message: %s: %s", why, clip(string(raw), 500))
}

// errorName returns the name of an error, which has to agree with its code. Only
// the codes of JSON-RPC and LSP may come without one.
func (e *ResponseError) errorName() (string, error) {
	name := protocol.Code(e.Code).Name()
	if e.Data == nil {
		if e.Code > 0 {
			return "", fmt.Errorf("the error with code %d has no data", e.Code)
		}
		return name, nil
	}
	var data protocol.ErrorData
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return "", fmt.Errorf("the error's data: %w", err)
	}
	switch {
	case data.Name != name:
		return "", fmt.Errorf("code %d is %s, but data.name says %q", e.Code, name, data.Name)
	case data.Message == "":
		return "", errors.New("the error's data has no message")
	}
	return name, nil
}

// clip shortens a text for people.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
