//go:build doorkeeper || browser || keyring || network

package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	// patience bounds a test: what takes longer has gone wrong.
	patience = 60 * time.Second
	// farewell is how long an agent may take to end.
	farewell = 10 * time.Second
)

// A window is an editor window with an agent of its own.
type window struct {
	*sessiontest.Editor
	t       *testing.T
	ctx     context.Context
	process *sessiontest.Process
	dataDir string
	secrets []string // that must not turn up
	end     sync.Once
}

// openWindow starts an agent on a data directory, which several may share, and
// introduces an editor that opens browsers. The window closes with the test.
// secrets are what the agent is told, and must not tell anybody.
func openWindow(t *testing.T, dataDir string, secrets ...string) *window {
	t.Helper()
	return openWindowWith(t, nil, dataDir, secrets...)
}

// openWindowWith is openWindow with more of an environment.
func openWindowWith(t *testing.T, env []string, dataDir string, secrets ...string) *window {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	process := sessiontest.Binary(agentPath)(t, dataDir, env)
	w := &window{
		Editor: sessiontest.NewEditor(process.Stdin, process.Stdout),
		t:      t, ctx: ctx, process: process, dataDir: dataDir, secrets: secrets,
	}
	t.Cleanup(w.close)
	ask(w, protocol.Initialize, protocol.InitializeParams{
		ClientInfo: &protocol.Info{Name: "acceptance"},
		Capabilities: protocol.ClientCapabilities{Window: protocol.WindowCapabilities{
			ShowDocument: protocol.ShowDocumentCapabilities{Support: true},
		}},
	})
	if err := w.Notify(protocol.Initialized.Method(), struct{}{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// close ends the session as LSP wants it, and looks at what the agent leaves.
// What it has sent can still be looked at.
func (w *window) close() { w.end.Do(w.leave) }

func (w *window) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	defer context.AfterFunc(ctx, w.process.Kill)()
	if err := w.Call(ctx, protocol.Shutdown.Method(), nil, nil); err != nil {
		w.t.Error("shutdown:", err)
	}
	if err := w.Notify(protocol.Exit.Method(), nil); err != nil {
		w.t.Error("exit:", err)
	}
	if status := w.process.Wait(); status != 0 {
		w.t.Errorf("the agent's exit status is %d", status)
	}
	if err := w.Close(); err != nil {
		w.t.Error(err)
	}
	stderr := w.process.Stderr()
	if strings.Contains(stderr, "DATA RACE") || strings.Contains(stderr, "panic:") {
		w.t.Errorf("the agent wrote to stderr:\n%s", stderr)
	}
	if err := w.searchSecrets(stderr); err != nil {
		w.t.Error(err)
	}
}

// searchSecrets looks for secrets in all that came out of the agent: frames,
// stderr and files.
func (w *window) searchSecrets(stderr string) error {
	var leaks []error
	look := func(where, text string) {
		for _, secret := range w.secrets {
			if secret != "" && strings.Contains(text, secret) {
				leaks = append(leaks, fmt.Errorf("a secret of %d characters is in %s", len(secret), where))
			}
		}
	}
	look("stderr", stderr)
	for _, m := range w.Messages() {
		look("a message of "+m.Answers+m.Method, string(m.Raw))
	}
	err := filepath.WalkDir(w.dataDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		look(path, string(content))
		return err
	})
	return errors.Join(append(leaks, err)...)
}

// call sends a request and waits for its result. It may be called from any
// goroutine.
func call[P, R any](w *window, request protocol.Request[P, R], params P) (result R, err error) {
	err = w.Call(w.ctx, request.Method(), params, &result)
	return result, err
}

// ask is call where all is well.
func ask[P, R any](w *window, request protocol.Request[P, R], params P) R {
	w.t.Helper()
	result, err := call(w, request, params)
	if err != nil {
		w.t.Fatalf("%s: %v", request.Method(), err)
	}
	return result
}

// refused checks that an error is the one with this code, and returns its data.
func refused(t *testing.T, err error, want protocol.Code) protocol.ErrorData {
	t.Helper()
	var response *sessiontest.ResponseError
	if !errors.As(err, &response) || protocol.Code(response.Code) != want {
		t.Fatalf("the error is %v, want %v", err, want)
	}
	var data protocol.ErrorData
	if err := json.Unmarshal(response.Data, &data); err != nil {
		t.Fatal(err)
	}
	return data
}

// next waits for the next notification, or request from the agent, of a method.
func next[P any](ctx context.Context, w *window, method string) (params P) {
	w.t.Helper()
	m, err := w.Next(ctx, method)
	if err == nil {
		err = json.Unmarshal(m.Params, &params)
	}
	if err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	return params
}

// A signIn is one that waits for the person in the browser.
type signIn struct {
	protocol.DidStartAuthenticationParams
	window *window
	ended  chan struct{}
	result protocol.AuthenticateResult
	err    error
}

// startSignIn asks for a sign-in, and returns when the editor was told to open
// the browser.
func (w *window) startSignIn(params protocol.AuthenticateParams) *signIn {
	w.t.Helper()
	s := &signIn{window: w, ended: make(chan struct{})}
	ctx, cancel := context.WithCancelCause(w.ctx)
	go func() {
		defer close(s.ended)
		s.result, s.err = call(w, protocol.Authenticate, params)
		cancel(fmt.Errorf("the sign-in has ended: %w", s.err))
	}()
	s.DidStartAuthenticationParams = next[protocol.DidStartAuthenticationParams](ctx, w, protocol.DidStartAuthentication.Method())
	shown := next[protocol.ShowDocumentParams](ctx, w, protocol.ShowDocument.Method())
	if shown.URI != s.AuthorizeURL || !shown.External {
		w.t.Errorf("the editor was asked to open %q, but the sign-in is at %q", shown.URI, s.AuthorizeURL)
	}
	return s
}

// wait waits for the answer to the request.
func (s *signIn) wait() (protocol.Account, error) {
	<-s.ended // the request's context bounds it
	return s.result.Account, s.err
}
