package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

func TestManyWindowsRefreshOnce(t *testing.T) {
	for name, expire := range map[string]func(*world) (age time.Duration){
		"by the clock": func(*world) time.Duration { return 2 * lifetime },
		"by a 401":     func(*world) time.Duration { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.signedIn(expire(w), true)
			w.ExpireTokens("sam")
			var callers sync.WaitGroup
			for range 4 {
				m := w.manager(nil)
				for range 6 {
					callers.Go(func() {
						if err := w.currentUser(context.Background(), m); err != nil {
							t.Error(err)
						}
					})
				}
			}
			callers.Wait()
			w.wantRefreshes(1)
		})
	}
}

func TestACancelledCallerDoesNotCutOffTheRefresh(t *testing.T) {
	w := newWorld(t, settings{})
	before := w.signedIn(2*lifetime, true)
	hold := make(chan struct{})
	w.SetFault(providertest.EndpointToken, providertest.Fault{Hold: hold, Times: 1})
	m := w.manager(nil)
	why := errors.New("the user pressed Cancel")
	ctx, cancel := context.WithCancelCause(t.Context())
	answers := make(chan error, 2)
	go func() { _, err := m.Token(ctx, w.key(), time.Minute); answers <- err }()
	if err := w.Await(within(t), http.MethodPost, "/oauth/token", 1); err != nil {
		t.Fatal(err)
	}
	cancel(why)
	if err := <-answers; !errors.Is(err, why) {
		t.Errorf("the caller got %v, want the cause of the cancellation", err)
	}
	// Somebody else wants a token meanwhile, and gets that of the same refresh.
	go func() { _, err := m.Token(context.Background(), w.key(), time.Minute); answers <- err }()
	close(hold)
	if err := <-answers; err != nil {
		t.Errorf("the second caller: %v", err)
	}
	if _, after, err := w.saved(); err != nil || after.Refresh == before.Refresh || after.Access == before.Access {
		t.Errorf("the new tokens are not on disk: %v", err)
	}
	w.wantRefreshes(1)
}

func TestTheEndDoesNotWaitForEverForARefresh(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	hold := make(chan struct{})
	w.SetFault(providertest.EndpointToken, providertest.Fault{Hold: hold, Times: 1})
	m := w.manager(nil)
	answer := make(chan error, 1)
	go func() { _, err := m.Token(context.Background(), w.key(), time.Minute); answer <- err }()
	if err := w.Await(within(t), http.MethodPost, "/oauth/token", 1); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	m.Close(ended) // returns, though the refresh goes on
	close(hold)
	m.Close(within(t)) // waits for it
	if err := <-answer; err != nil {
		t.Errorf("the refresh: %v", err)
	}
	if account, _, err := w.saved(); err != nil || account.Serial != 2 {
		t.Errorf("the new tokens are not on disk: %v", err)
	}
}

func TestARefusedTokenIsNotTheNewOneOfAnotherWindow(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(0, true)
	w.ExpireTokens("sam")
	// The instance refuses everything, and after the last attempt another window
	// has got a token.
	asked := 0
	w.through = func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/api/v4/user" {
				return base.RoundTrip(r)
			}
			if asked++; asked == 4 {
				w.signedIn(0, true)
			}
			return &http.Response{
				StatusCode: http.StatusUnauthorized, Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader("{}")), Request: r,
			}, nil
		})
	}
	if err := w.currentUser(t.Context(), w.manager(nil)); !errors.Is(err, protocol.GitLabError) {
		t.Errorf("the error is %v, want GitLabError", err)
	}
	if account, _, err := w.saved(); err != nil || account.Refused != "" {
		t.Errorf("the account with the new token was signed out: %q, %v", account.Refused, err)
	}
}

func TestABodyIsSentAgainAfterARefresh(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(0, true)
	w.ExpireTokens("sam")
	client, err := w.manager(nil).Client(w.instance(), w.key())
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"title":"once"}`
	resp, err := client.Post(w.URL()+"/api/v4/projects/1/issues", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("the status is %s", resp.Status)
	}
	var bodies []string
	for _, r := range w.Requests() {
		if r.Path == "/api/v4/projects/1/issues" {
			bodies = append(bodies, r.Body)
		}
	}
	if len(bodies) != 2 || bodies[0] != body || bodies[1] != body {
		t.Errorf("the bodies sent are %q, want the same twice", bodies)
	}
}

func TestATokenGoesNowhereElse(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(0, true)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("another server was asked")
	}))
	defer elsewhere.Close()
	client, err := w.manager(nil).Client(w.instance(), w.key())
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := client.Get(elsewhere.URL); err == nil {
		resp.Body.Close()
		t.Error("the client calls another server")
	}
}

// What the network or the store says is handed on, whoever asks.
func TestTroubleIsHandedOn(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	trouble := &protocol.Error{Code: protocol.InvalidParams, Message: "network.caFile cannot be read"}
	m := w.manager(func(c *auth.Config) {
		c.Transport = func(store.Instance) (http.RoundTripper, error) { return nil, trouble }
	})
	in := w.instance()
	_, clientErr := m.Client(in, w.key())
	_, tokenErr := m.Token(t.Context(), w.key(), time.Minute)
	_, signInErr := m.SignIn(t.Context(), in, auth.SignInOptions{Timeout: time.Minute})
	for name, err := range map[string]error{
		"Client": clientErr, "Token": tokenErr, "SignIn": signInErr,
		"CheckApplication": m.CheckApplication(t.Context(), in, secret.New("secret")),
		"CheckConfigured":  m.CheckConfigured(t.Context(), in),
	} {
		if !errors.Is(err, protocol.InvalidParams) {
			t.Errorf("%s: %v, want the trouble with the network", name, err)
		}
	}
	r, err := m.Disconnect(t.Context(), w.key(), true)
	if err != nil || r.Revoked || !errors.Is(r.Failure, protocol.InvalidParams) {
		t.Errorf("Disconnect: %+v, %v", r, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// within is a context that ends when the test has lost patience.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
