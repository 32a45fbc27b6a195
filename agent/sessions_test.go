package agent_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSessions runs every script of testdata/sessions, in this process and
// against the real program.
func TestSessions(t *testing.T) {
	sessiontest.Run(t, filepath.Join("..", "testdata", "sessions"), map[string]sessiontest.Launcher{
		"in-process": sessiontest.InProcess(serve),
		"binary":     sessiontest.Binary(build(t, "./cmd/codestream-agent")),
	})
}

// serve runs an agent at its most talkative, so that a secret in its log is
// found.
func serve(ctx context.Context, dataDir string, stdin io.Reader, stdout, stderr io.Writer) int {
	return agent.New(agent.Config{
		Version:     "test",
		Providers:   all.Providers(),
		DataDir:     dataDir,
		KeyringOff:  true,
		Log:         slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OpenBrowser: func(context.Context, string) error { return errors.New("there is no browser in this test") },
	}).Serve(ctx, stdin, stdout)
}

// build builds a program of the module and returns its path.
func build(tb testing.TB, pkg string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), filepath.Base(pkg))
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return path
}
