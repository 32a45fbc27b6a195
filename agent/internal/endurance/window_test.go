package endurance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// patience bounds a wait for what has to happen. It is less than the 45 s for
// which an account can be locked, so that a lock left behind is not sat out.
const patience = 30 * time.Second

// within is a context that ends when the test has lost patience.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// A window is an editor window with an agent process of its own.
type window struct {
	*sessiontest.Editor
	*sessiontest.Process
	lastID atomic.Int64 // of begin
}

// launch starts the agent of a window, which is not introduced yet.
func launch(t testing.TB, dir string) *window {
	t.Helper()
	process := sessiontest.Binary(agentPath)(t, dir, nil)
	return connect(t, process, process.Stdout)
}

// connect gives an agent its editor, which reads what the agent says from stdout.
func connect(t testing.TB, process *sessiontest.Process, stdout io.Reader) *window {
	w := &window{Editor: sessiontest.NewEditor(process.Stdin, stdout), Process: process}
	t.Cleanup(func() {
		w.kill()
		if stderr := w.Stderr(); strings.Contains(stderr, "panic") || strings.Contains(stderr, "internal error") {
			t.Errorf("the agent wrote to stderr:\n%s", stderr)
		}
	})
	return w
}

// kill ends the agent, and returns when all that it said has been read.
func (w *window) kill() {
	w.Kill()
	w.CloseStdin()
	<-w.Done()
	w.Wait()
}

// greet introduces the editor, which opens no browser and shows no progress.
func (w *window) greet(ctx context.Context) error {
	return w.introduce(ctx, protocol.InitializeParams{
		InitializationOptions: &protocol.InitializationOptions{Browser: protocol.BrowserNone},
	})
}

func (w *window) introduce(ctx context.Context, params protocol.InitializeParams) error {
	if _, err := call(ctx, w, protocol.Initialize, params); err != nil {
		return err
	}
	return w.Notify(protocol.Initialized.Method(), struct{}{})
}

// leave ends the session as LSP wants it.
func (w *window) leave(ctx context.Context) error {
	if err := w.Call(ctx, protocol.Shutdown.Method(), nil, nil); err != nil {
		return err
	}
	if err := w.Notify(protocol.Exit.Method(), nil); err != nil {
		return err
	}
	select {
	case <-w.Done():
	case <-ctx.Done():
		return errors.New("the agent does not end")
	}
	if status := w.Wait(); status != 0 {
		return fmt.Errorf("the agent's exit status is %d", status)
	}
	return nil
}

// call sends a request and waits for its result.
func call[P, R any](ctx context.Context, w *window, request protocol.Request[P, R], params P) (result R, err error) {
	err = w.Call(ctx, request.Method(), params, &result)
	return result, err
}

// begin sends a request, and returns a function that waits for its result. What
// is begun first reaches the agent first.
func begin[P, R any](w *window, request protocol.Request[P, R], params P) (result func(context.Context) (R, error)) {
	id := json.RawMessage(strconv.FormatInt(w.lastID.Add(1), 10))
	sent := w.Request(id, request.Method(), params)
	return func(ctx context.Context) (result R, err error) {
		if sent != nil {
			return result, sent
		}
		m, err := w.Response(ctx, id)
		switch {
		case err != nil:
			return result, err
		case m.Error != nil:
			return result, m.Error
		}
		return result, json.Unmarshal(m.Result, &result)
	}
}

// errorData returns what an agent's error says beside its code.
func errorData(err error) (data protocol.ErrorData) {
	var response *sessiontest.ResponseError
	if errors.As(err, &response) {
		_ = json.Unmarshal(response.Data, &data) // what is missing will be noticed
	}
	return data
}
