package agent_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/protocol"
)

func TestTheTraceIsSentAsLongAsItIsWanted(t *testing.T) {
	r := start(t, nil).initialize(map[string]any{"trace": "messages"})
	r.instances()
	if err := r.Call(within(t), protocol.CurrentUser.Method(), nil, nil); err == nil {
		t.Fatal("there is a user before anything is configured")
	}
	r.awaitTrace(3) // it comes after the answer
	r.notify(protocol.SetTrace.Method(), protocol.SetTraceParams{Value: protocol.TraceVerbose})
	r.instances()
	r.awaitTrace(1)
	r.notify(protocol.SetTrace.Method(), protocol.SetTraceParams{Value: protocol.TraceOff})
	r.instances()
	r.call(protocol.Shutdown.Method(), nil, nil)
	r.notify(protocol.Exit.Method(), nil)
	r.wantEnd(0) // all that it says has been said

	var got []string
	for _, line := range messages(r, protocol.LogTrace) {
		verbose := line.Verbose
		if strings.HasPrefix(verbose, "in ") {
			verbose = "in …"
		}
		got = append(got, strings.TrimSpace(line.Message+" "+verbose))
	}
	want := []string{
		"initialize: answered", "gitlabSM/status: answered", "gitlabSM/currentUser: NotConfigured",
		"gitlabSM/status: answered in …",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the trace is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWithoutAWordThereIsNoTrace(t *testing.T) {
	r := start(t, nil).initialize(nil)
	r.instances()
	r.instances()
	if lines := messages(r, protocol.LogTrace); len(lines) != 0 {
		t.Errorf("the trace is %v, want none", lines)
	}
}

// awaitTrace waits for n more lines of the trace.
func (r *running) awaitTrace(n int) {
	r.t.Helper()
	for range n {
		if _, err := r.Next(within(r.t), protocol.LogTrace.Method()); err != nil {
			r.t.Fatalf("a line of the trace is missing: %v", err)
		}
	}
}

// The log follows the trace, but never falls below the level that it began with.
func TestTheLogFollowsTheTrace(t *testing.T) {
	for name, c := range map[string]struct {
		began slog.Level
		trace protocol.TraceValue
		want  slog.Level
	}{
		"nothing":                    {slog.LevelWarn, "", slog.LevelWarn},
		"off":                        {slog.LevelWarn, protocol.TraceOff, slog.LevelWarn},
		"messages":                   {slog.LevelWarn, protocol.TraceMessages, slog.LevelInfo},
		"verbose":                    {slog.LevelError, protocol.TraceVerbose, slog.LevelDebug},
		"messages, and debug before": {slog.LevelDebug, protocol.TraceMessages, slog.LevelDebug},
		"what is none":               {slog.LevelWarn, "chatty", slog.LevelWarn},
	} {
		t.Run(name, func(t *testing.T) {
			level := new(slog.LevelVar)
			level.Set(c.began)
			r := start(t, func(config *agent.Config) { config.LogLevel = level }).initialize(map[string]any{"trace": c.trace})
			if got := level.Level(); got != c.want {
				t.Errorf("the level is %v, want %v", got, c.want)
			}
			for value, want := range map[protocol.TraceValue]slog.Level{protocol.TraceVerbose: slog.LevelDebug, protocol.TraceOff: c.began} {
				r.notify(protocol.SetTrace.Method(), protocol.SetTraceParams{Value: value})
				r.instances() // the notification was read before
				if got := level.Level(); got != want {
					t.Errorf("with %s the level is %v, want %v", value, got, want)
				}
			}
		})
	}
}

// What the editor sees of it: requests are logged as long as it wants to know.
func TestRequestsAreLoggedAsLongAsTheTraceIsVerbose(t *testing.T) {
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	r := start(t, func(c *agent.Config) {
		stderr := c.Log.Handler()
		c.Log, c.LogLevel = slog.New(leveled{stderr, level}), level
	}).initialize(nil)
	r.instances()
	r.notify(protocol.SetTrace.Method(), protocol.SetTraceParams{Value: protocol.TraceVerbose})
	if err := r.Call(within(t), protocol.CurrentUser.Method(), nil, nil); err == nil {
		t.Fatal("there is a user before anything is configured")
	}
	r.notify(protocol.SetTrace.Method(), protocol.SetTraceParams{Value: protocol.TraceOff})
	r.instances()
	log := r.Stderr()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, `id="\"editor-3\"" method=gitlabSM/currentUser`) || !strings.Contains(log, "error=NotConfigured") {
		t.Errorf("the log is not the line of one request:\n%s", log)
	}
}

// leveled is a handler with a level that changes.
type leveled struct {
	slog.Handler
	level *slog.LevelVar
}

func (l leveled) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level.Level() }
