package agent_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// innerWords are in what goes wrong inside, and nobody's business outside.
const innerWords = "words from inside"

// brokenProvider goes wrong in ways that no provider should.
type brokenProvider struct{ gitlabsm.Provider }

func (brokenProvider) ResolveRemote(string, []providers.Address, providers.Alias) *protocol.RemoteProject {
	panic(innerWords)
}

func (brokenProvider) Probe(context.Context, *http.Client, string) (providers.Probe, error) {
	return providers.Probe{}, errors.New(innerWords)
}

func startBroken(t *testing.T) *running {
	t.Helper()
	return start(t, func(c *agent.Config) { c.Providers = providers.NewRegistry(brokenProvider{}) }).initialize(nil)
}

var reportID = regexp.MustCompile(`\(([A-Z2-7]{8})\)$`)

// wantInternal checks that a request is answered with an internal error, which
// names a line of the log and nothing else.
func (r *running) wantInternal(method string, params any) {
	r.t.Helper()
	err := r.Call(within(r.t), method, params, nil)
	var refusal *sessiontest.ResponseError
	if !errors.As(err, &refusal) || !errors.Is(err, protocol.InternalError) {
		r.t.Fatalf("%s: %v, want an internal error", method, err)
	}
	id := reportID.FindStringSubmatch(refusal.Message)
	if id == nil {
		r.t.Fatalf("the message %q names no line of the log", refusal.Message)
	}
	if strings.Contains(refusal.Message+string(refusal.Data), innerWords) {
		r.t.Errorf("the error tells what is inside: %s", refusal.Data)
	}
	if log := r.Stderr(); !strings.Contains(log, id[1]) || !strings.Contains(log, innerWords) || !strings.Contains(log, method) {
		r.t.Errorf("the log does not have %s, the method and the cause:\n%s", id[1], log)
	}
}

func TestAPanicIsAnErrorOfOneRequest(t *testing.T) {
	r := startBroken(t)
	for range 2 {
		r.wantInternal(protocol.ResolveRemote.Method(), protocol.ResolveRemoteParams{Remote: "git@example.com:a/b.git"})
	}
	if log := r.Stderr(); !strings.Contains(log, "panic_test.go") {
		t.Errorf("the log has no stack:\n%s", log)
	}
	if ids := r.instances(); len(ids) != 0 {
		t.Errorf("the instances are %q", ids)
	}
}

func TestAnUnknownErrorIsAnInternalOne(t *testing.T) {
	r := startBroken(t)
	r.wantInternal(protocol.Configure.Method(), protocol.ConfigureParams{URL: "https://gitlab.example.com"})
	// Requests that have to wait for it go on.
	never := false
	r.call(protocol.Configure.Method(), protocol.ConfigureParams{URL: "https://gitlab.example.com", Verify: &never}, nil)
	if ids := r.instances(); len(ids) != 1 {
		t.Errorf("the instances are %q, want one", ids)
	}
}
