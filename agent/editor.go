package agent

import (
	"context"
	"errors"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// editor is the other end of the stream. Only goroutines other than the reading
// one may wait for its answers.
type editor struct{ conn *jsonrpc2.Conn }

type editorKey struct{}

func withEditor(ctx context.Context, conn *jsonrpc2.Conn) context.Context {
	return context.WithValue(ctx, editorKey{}, editor{conn})
}

// editorOf returns the editor that a request came from.
func editorOf(ctx context.Context) editor {
	e, _ := ctx.Value(editorKey{}).(editor)
	return e
}

// ask sends the editor a request and waits for the answer.
func ask[P, R any](ctx context.Context, e editor, method protocol.Request[P, R], params P) (R, error) {
	var result R
	waiter, err := e.conn.DispatchCall(ctx, method.Method(), params)
	if err != nil {
		return result, err
	}
	err = waiter.Wait(ctx, &result)
	return result, err
}

// tell sends the editor a notification. An editor that is gone hears nothing.
func tell[P any](ctx context.Context, e editor, method protocol.Notification[P], params P) error {
	err := e.conn.Notify(context.WithoutCancel(ctx), method.Method(), params)
	if errors.Is(err, jsonrpc2.ErrClosed) {
		return nil
	}
	return err
}
