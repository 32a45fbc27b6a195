package agent_test

import (
	"strings"
	"testing"

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
	r.wantEnd(0, patience) // all that it says has been said

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
