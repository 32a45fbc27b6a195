package sessiontest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

func TestEditor(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	process := fakeLauncher(map[string]hook{
		"gitlabSM/diagnose": func(a *fakeAgent, id, _ json.RawMessage) {
			a.send(`{"jsonrpc":"2.0","id":7,"method":"window/showDocument","params":{"uri":"x"}}`)
			a.send(`{"jsonrpc":"2.0","id":8,"method":"workspace/applyEdit","params":{}}`)
			a.message("first")
			a.message("second")
			a.result(id, `{"checks":[]}`)
		},
		"": func(a *fakeAgent, id, _ json.RawMessage) { a.message("answer to " + string(id)) },
	})(t, t.TempDir(), nil)
	editor := NewEditor(process.Stdin, process.Stdout)

	err := editor.Call(ctx, "gitlabSM/none", nil, nil)
	var refusal *ResponseError
	if !errors.As(err, &refusal) || !errors.Is(err, protocol.MethodNotFound) || refusal.Data == nil {
		t.Errorf("an unknown method: got %v", err)
	}
	var checks protocol.DiagnoseResult
	if err := editor.Call(ctx, "gitlabSM/diagnose", protocol.DiagnoseParams{}, &checks); err != nil || checks.Checks == nil {
		t.Errorf("got %v, %v", checks, err)
	}
	for _, want := range []string{"first", "second", "answer to 7", "answer to 8"} {
		m, err := editor.Next(ctx, "window/showMessage")
		if err != nil {
			t.Fatal(err)
		}
		var p protocol.MessageParams
		if err := json.Unmarshal(m.Params, &p); err != nil || p.Message != want {
			t.Errorf("got %s (%v), want %q", m.Params, err, want)
		}
	}
	if err := editor.Close(); err != nil {
		t.Error(err)
	}
	if status := process.Wait(); status != 1 {
		t.Errorf("the status is %d, want 1", status)
	}
	if _, err := editor.Next(ctx, "window/showMessage"); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: got %v", err)
	}
	if err := editor.Notify("exit", nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writing after the end: got %v", err)
	}
}

func TestEditorGivesUpWithItsContext(t *testing.T) {
	process := fakeLauncher(nil)(t, t.TempDir(), nil)
	editor := NewEditor(process.Stdin, process.Stdout)
	defer editor.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user left")
	cancel(why)
	if err := editor.Call(ctx, "exit-not", nil, nil); !errors.Is(err, why) && !errors.Is(err, protocol.MethodNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := editor.At(ctx, 99); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}
