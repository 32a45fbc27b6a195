package cli_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/cli"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// waiting is a stdin on which nothing comes until it is closed.
type waiting struct {
	*io.PipeReader
	read func() // called when somebody waits
}

func (w waiting) Read(p []byte) (int, error) {
	w.read()
	return w.PipeReader.Read(p)
}

// A command that waits for stdin ends when it is cancelled, and not when stdin does.
func TestCtrlCEndsWhatWaitsForStdin(t *testing.T) {
	for _, args := range []string{
		"git-credential get", "request /user -X POST -d -", "login https://gitlab.example.com --client-id x --client-secret-stdin",
	} {
		t.Run(args, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			ctx, cancel := context.WithCancel(context.Background())
			in, out := io.Pipe()
			defer out.Close()
			var stdout, stderr bytes.Buffer
			config := cli.Config{Stdin: waiting{in, sync.OnceFunc(cancel)}, Stdout: &stdout, Stderr: &stderr, NewAgent: newAgent(t)}
			if status := cli.Run(ctx, strings.Fields(args), config); status != 130 {
				t.Errorf("it ended with %d, and said %s", status, &stderr)
			}
			if stdout.Len() > 0 || stderr.String() != "codestream-agent: cancelled\n" {
				t.Errorf("stdout has %q, stderr %q", &stdout, &stderr)
			}
		})
	}
}

func newAgent(t *testing.T) func(string) (*agent.Agent, error) {
	return func(string) (*agent.Agent, error) {
		return agent.New(agent.Config{Providers: all.Providers(), DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler), NoOffers: true}), nil
	}
}
