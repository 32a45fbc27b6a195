package agent_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// site is a GitLab with a user and an application.
type site struct {
	*providertest.GitLab
	t   *testing.T
	sam providertest.User
	app providertest.Application
}

func newSite(t *testing.T, o providertest.Options, redirects ...string) *site {
	t.Helper()
	gitlab, err := providertest.StartGitLab(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		gitlab.Close()
		for _, violation := range gitlab.Violations() {
			t.Errorf("GitLab found a violation: %s", violation)
		}
	})
	return &site{
		GitLab: gitlab, t: t, sam: gitlab.AddUser(providertest.User{Username: "sam"}),
		app: gitlab.AddApplication(providertest.Application{Confidential: true, RedirectURIs: redirects}),
	}
}

// browser is a fresh one of sam's.
func (s *site) browser() *providertest.Browser {
	return providertest.NewBrowser(s.sam.Username, s.sam.Password, nil)
}

// configure makes an instance of the site. Without a redirect URI it has the
// agent's own.
func (s *site) configure(r *running, redirect string) (result protocol.ConfigureResult) {
	s.t.Helper()
	r.call(protocol.Configure.Method(), protocol.ConfigureParams{
		URL: s.URL(), ClientID: s.app.ID, ClientSecret: s.app.Secret, RedirectURI: redirect,
	}, &result)
	return result
}

// signIn is a sign-in under way.
type signIn struct {
	started chan protocol.DidStartAuthenticationParams
	ended   chan error // nil where it worked
	result  protocol.AuthenticateResult
}

// authenticate begins a sign-in.
func (r *running) authenticate(p protocol.AuthenticateParams) *signIn {
	s := &signIn{started: make(chan protocol.DidStartAuthenticationParams, 1), ended: make(chan error, 1)}
	ctx := within(r.t)
	go func() { s.ended <- r.Call(ctx, protocol.Authenticate.Method(), p, &s.result) }()
	go func() {
		var params protocol.DidStartAuthenticationParams
		if m, err := r.Next(ctx, protocol.DidStartAuthentication.Method()); err == nil && json.Unmarshal(m.Params, &params) == nil {
			s.started <- params
		}
	}()
	return s
}

// start waits until the sign-in has started.
func (in *signIn) start(t *testing.T) (started protocol.DidStartAuthenticationParams) {
	t.Helper()
	select {
	case started = <-in.started:
	case err := <-in.ended:
		t.Fatalf("the sign-in has not started: %v", err)
	}
	return started
}

// approve approves in the browser.
func (s *site) approve(in *signIn) {
	s.t.Helper()
	started := in.start(s.t)
	s.wantPage(s.browser().Approve(within(s.t), cmp.Or(started.AuthorizeURL, started.VerificationURIComplete)))
}

// refusal returns the data of an error, which has to have that code.
func refusal(t *testing.T, err error, want protocol.Code) (data protocol.ErrorData) {
	t.Helper()
	var answer *sessiontest.ResponseError
	if !errors.Is(err, want) || !errors.As(err, &answer) {
		t.Fatalf("got %v, want %v", err, want)
	}
	if err := json.Unmarshal(answer.Data, &data); err != nil {
		t.Fatal(err)
	}
	return data
}
