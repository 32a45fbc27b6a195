package agent_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Nobody hears the answer of a request that was sent without an id. Run as a
// notification, a sign-in would stop the agent from reading on until it ends.
func TestARequestWithoutAnIDIsNotRun(t *testing.T) {
	r := start(t, nil).initialize(map[string]any{"initializationOptions": map[string]any{"browser": "none"}})
	r.configure(here)
	r.notify(protocol.Authenticate.Method(), struct{}{})
	r.notify(protocol.Shutdown.Method(), nil)
	if ids := r.instances(); len(ids) != 1 { // it was not shut down
		t.Errorf("the instances are %q", ids)
	}
	if started := messages(r, protocol.DidStartAuthentication); len(started) != 0 {
		t.Errorf("a sign-in has begun: %+v", started)
	}
	r.CloseStdin()
	r.wantEnd(1)
}

func TestANotificationWithAnIDIsRefused(t *testing.T) {
	r := start(t, nil).initialize(nil)
	for _, method := range []string{protocol.Exit.Method(), protocol.DidChangeConfiguration.Method(), protocol.CancelRequest.Method()} {
		if err := r.Call(within(t), method, map[string]any{}, nil); !errors.Is(err, protocol.MethodNotFound) {
			t.Errorf("%s: %v, want MethodNotFound", method, err)
		}
	}
	if ids := r.instances(); len(ids) != 0 {
		t.Errorf("the instances are %q", ids)
	}
}

// JSON-RPC 2.0 section 2: names of members are case-sensitive.
func TestMembersGoByTheirExactNames(t *testing.T) {
	in := initializeFrame + frame(`{"jsonrpc":"2.0","id":4,"method":"gitlabSM/status","Id":5,"Method":"exit"}`) +
		frame(`{"jsonrpc":"2.0","ID":3,"METHOD":"gitlabSM/status"}`)
	e := newEditor(in, "4")
	got := make(map[string]bool)
	for _, r := range serveOffline(t, t.TempDir(), e, &output{wrote: e.hear}).responses() {
		got[string(r.id)] = r.error == nil
	}
	if ok, there := got["null"]; !there || ok || !got["4"] || len(got) != 4 {
		t.Errorf("the answers are to %v (true: a result), want an error to null and results to 1, 4 and shutdown", got)
	}
}

// exit does not wait for the user, but whoever waits is told so.
func TestARequestIsAnsweredWhenTheSessionEnds(t *testing.T) {
	r := start(t, nil).initialize(map[string]any{"initializationOptions": map[string]any{"browser": "none"}})
	r.configure(here)
	in := r.authenticate(protocol.AuthenticateParams{})
	in.start(t)
	r.notify(protocol.Exit.Method(), nil)
	if err := <-in.ended; !errors.Is(err, protocol.RequestCancelled) {
		t.Errorf("the sign-in: %v, want RequestCancelled", err)
	}
	r.wantEnd(1)
	if log := r.Stderr(); strings.Contains(log, "found nobody") {
		t.Errorf("an answer was lost:\n%s", log)
	}
}
