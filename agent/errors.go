package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// wireError is the one place that makes a wire error.
func wireError(err error) *jsonrpc2.Error {
	known := inWords(err)
	wire := &jsonrpc2.Error{Code: int64(known.Code), Message: known.Message}
	wire.SetError(known.Data())
	return wire
}

// inWords returns an error in the words of the protocol. What it does not know is an
// internal error, without a word of the original.
func inWords(err error) *protocol.Error {
	var known *protocol.Error
	var code protocol.Code
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &code):
		return &protocol.Error{Code: code, Message: code.Name()}
	case errors.Is(err, context.Canceled):
		return &protocol.Error{Code: protocol.RequestCancelled, Message: "the request was cancelled"}
	}
	return &protocol.Error{Code: protocol.InternalError, Message: "something unexpected happened in the agent"}
}

// advice says of an error what is wrong and what to do next, where there is nothing
// but a line of text for it.
func advice(err error) string {
	known := inWords(err)
	return withHint(known.Message, known.Hint)
}

func withHint(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + ". " + hint
}

// internal logs an error that no user can do anything about, and returns one
// that names the line in the log.
func internal(log *slog.Logger, method string, cause any, more ...any) error {
	id := rand.Text()[:8]
	log.Error("internal error", append([]any{"id", id, "method", method, "cause", cause}, more...)...)
	return &protocol.Error{
		Code:    protocol.InternalError,
		Message: fmt.Sprintf("something unexpected happened in the agent (%s)", id),
		Hint:    fmt.Sprintf("Report this with the lines around %s in the agent's log.", id),
	}
}

// isKnown reports whether wireError has words of its own for err.
func isKnown(err error) bool {
	var code protocol.Code
	return errors.As(err, &code) || errors.Is(err, context.Canceled)
}
