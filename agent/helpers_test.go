package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// patience bounds a wait for what has to happen. Some of it is seconds of work for a
// processor under the race detector, and a machine has more to do than these tests.
const patience = time.Minute

// within is a context that ends when the test has lost patience.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// running is an agent with its editor.
type running struct {
	*sessiontest.Editor
	*sessiontest.Process
	t *testing.T
}

// start starts an agent in this process, with a configuration of the test's own.
func start(t *testing.T, change func(*agent.Config)) *running {
	t.Helper()
	process := sessiontest.InProcess(func(ctx context.Context, dataDir string, stdin io.Reader, stdout, stderr io.Writer) int {
		return agent.New(config(dataDir, stderr, change)).Serve(ctx, stdin, stdout)
	})(t, filepath.Join(t.TempDir(), "data"), nil)
	return connect(t, process)
}

// config is that of an agent which logs all it can.
func config(dataDir string, stderr io.Writer, change func(*agent.Config)) agent.Config {
	c := agent.Config{
		Version:     "test",
		Providers:   all.Providers(),
		DataDir:     dataDir,
		KeyringOff:  true,
		Log:         slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OpenBrowser: func(context.Context, string) error { return errors.New("there is no browser in this test") },
	}
	if change != nil {
		change(&c)
	}
	return c
}

// connect gives an agent its editor.
func connect(t *testing.T, process *sessiontest.Process) *running {
	r := &running{sessiontest.NewEditor(process.Stdin, process.Stdout), process, t}
	t.Cleanup(func() {
		r.CloseStdin()
		r.Kill()
		<-r.Done()
	})
	return r
}

// initialize begins the session.
func (r *running) initialize(params map[string]any) *running {
	r.t.Helper()
	all := map[string]any{"processId": nil, "capabilities": map[string]any{}}
	for name, value := range params {
		all[name] = value
	}
	r.call(protocol.Initialize.Method(), all, nil)
	r.notify(protocol.Initialized.Method(), struct{}{})
	return r
}

// call makes a request that has to succeed.
func (r *running) call(method string, params, result any) {
	r.t.Helper()
	if err := r.Call(within(r.t), method, params, result); err != nil {
		r.t.Fatalf("%s: %v", method, err)
	}
}

func (r *running) notify(method string, params any) {
	r.t.Helper()
	if err := r.Notify(method, params); err != nil {
		r.t.Fatalf("%s: %v", method, err)
	}
}

// instances are the ids that status tells.
func (r *running) instances() (ids []string) {
	r.t.Helper()
	var status protocol.StatusResult
	r.call(protocol.Status.Method(), nil, &status)
	for _, in := range status.Instances {
		ids = append(ids, in.ID)
	}
	return ids
}

// wantEnd waits for the end of the agent, and checks its status.
func (r *running) wantEnd(status int) {
	r.t.Helper()
	select {
	case <-r.Done():
	case <-within(r.t).Done():
		r.t.Fatal("the agent does not end")
	}
	if got := r.Wait(); got != status {
		r.t.Errorf("the agent ended with status %d, want %d; stderr:\n%s", got, status, r.Stderr())
	}
}

// messages are the params of all messages of a method so far.
func messages[P any](r *running, method protocol.Notification[P]) (all []P) {
	r.t.Helper()
	for _, m := range r.Messages() {
		if m.Method != method.Method() {
			continue
		}
		var params P
		if err := json.Unmarshal(m.Params, &params); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, params)
	}
	return all
}

// spawn starts a program as an editor would.
func spawn(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	cmd.Env = append(os.Environ(), "CODESTREAM_DATA_DIR="+t.TempDir(), "CODESTREAM_KEYRING=off")
	return connect(t, sessiontest.Start(t, cmd))
}
