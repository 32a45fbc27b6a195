package auth_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// attempt is a sign-in under way.
type attempt struct {
	started protocol.DidStartAuthenticationParams
	result  chan error
	account store.Account // once result was received
	page    *providertest.Page
}

// begin signs in until the browser is needed.
func (w *world) begin(ctx context.Context, m *auth.Manager) *attempt {
	w.t.Helper()
	a := &attempt{result: make(chan error, 1)}
	started := make(chan protocol.DidStartAuthenticationParams, 1)
	in := w.instance()
	go func() {
		var err error
		a.account, err = m.SignIn(ctx, in, auth.SignInOptions{
			Timeout:  patience,
			Started:  func(p protocol.DidStartAuthenticationParams, _ string) { started <- p },
			Returned: func() {},
		})
		a.result <- err
	}()
	select {
	case a.started = <-started:
	case err := <-a.result:
		w.t.Fatalf("the sign-in did not begin: %v", err)
	}
	return a
}

// newBrowser is sam's browser.
func newBrowser(w *world) *providertest.Browser {
	return providertest.NewBrowser("sam", w.sam.Password, nil)
}

// approve goes through the browser as sam, up to the last page.
func (w *world) approve(a *attempt) error {
	w.t.Helper()
	page, err := newBrowser(w).Approve(within(w.t), a.started.AuthorizeURL)
	if err != nil {
		w.t.Fatalf("the browser: %v", err)
	}
	a.page = page
	return <-a.result
}

// wantNobodyAt waits until nothing listens at a redirect URI.
func wantNobodyAt(t *testing.T, redirect string) {
	t.Helper()
	u, err := url.Parse(redirect)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx := within(t); ; {
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			return
		}
		conn.Close()
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("something still listens at %s", u.Host)
		}
	}
}

func TestTheBrowserComesBackToEachKindOfRedirect(t *testing.T) {
	for name, redirect := range map[string]string{
		"the default":               "",
		"a port of its own":         "http://127.0.0.1:PORT/callback",
		"localhost with a port":     "http://localhost:PORT/callback",
		"another loopback":          "http://127.0.0.1/other/path",
		"IPv6":                      "http://[::1]/callback",
		"IPv6 with a port":          "http://[::1]:PORT/callback",
		"a query of the redirect's": "http://127.0.0.1/callback?editor=code",
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(redirect, "[::1]") {
				needIPv6(t)
			}
			w := newWorld(t, settings{redirect: strings.Replace(redirect, "PORT", freePort(t), 1)})
			m := w.manager(nil)
			for range 2 { // the second has the same port, if it is fixed
				a := w.begin(t.Context(), m)
				if err := w.approve(a); err != nil {
					t.Fatal(err)
				}
				if a.page.Status != http.StatusOK || a.account.User.Username != "sam" {
					t.Errorf("the page has the status %d, the account is %+v", a.page.Status, a.account)
				}
				wantNobodyAt(t, a.started.RedirectURI)
			}
			if _, tokens, err := w.saved(); err != nil || tokens.Refresh.IsEmpty() {
				t.Errorf("the tokens are not on disk: %v", err)
			}
			if err := w.currentUser(t.Context(), m); err != nil {
				t.Errorf("the tokens are not good: %v", err)
			}
		})
	}
}

// freePort returns a port on which nobody else will listen.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func needIPv6(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	listener.Close()
}

func TestALaterSignInWaitsForThePort(t *testing.T) {
	w := newWorld(t, settings{redirect: "http://127.0.0.1:" + freePort(t) + "/callback"})
	m := w.manager(nil)
	first := w.begin(t.Context(), m)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if resp := get(t, client, first.started.RedirectURI); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("the first sign-in answers %s to a callback that is none", resp.Status)
	}
	second := w.begin(t.Context(), m)
	if err := <-first.result; !errors.Is(err, protocol.RequestCancelled) || !strings.Contains(err.Error(), "took the place") {
		t.Errorf("the first sign-in: %v", err)
	}
	if err := w.approve(second); err != nil {
		t.Errorf("the second sign-in: %v", err)
	}
}

func TestASignInThatCannotBegin(t *testing.T) {
	w := newWorld(t, settings{})
	m := w.manager(nil)
	in := w.instance()
	in.ClientID = ""
	if _, err := m.SignIn(t.Context(), in, auth.SignInOptions{}); !errors.Is(err, protocol.InvalidClient) {
		t.Errorf("without an application: %v, want InvalidClient", err)
	}
	for redirect, want := range map[string]protocol.Code{
		"http://localhost/callback":         protocol.InvalidRedirect,
		"http://build.example.com/callback": protocol.InvalidRedirect,
		"http://127.0.0.1:1/callback#x":     protocol.InvalidParams,
		"/callback":                         protocol.InvalidParams,
		"http://127.0.0.1:port/":            protocol.InvalidParams,
	} {
		in := w.instance()
		in.RedirectURI = redirect
		_, err := m.SignIn(t.Context(), in, auth.SignInOptions{})
		var known *protocol.Error
		if !errors.As(err, &known) || known.Code != want || known.Hint == "" {
			t.Errorf("%s: %v, want %s with a hint", redirect, err, want.Name())
		}
		if m.Pending(in.ID) {
			t.Errorf("%s: a sign-in waits", redirect)
		}
	}
}

func TestASignInEndsWithTheAgent(t *testing.T) {
	w := newWorld(t, settings{})
	m := w.manager(nil)
	a := w.begin(t.Context(), m)
	if !m.Pending(w.URL()) {
		t.Error("no sign-in waits")
	}
	m.Close(within(t))
	if err := <-a.result; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that of a cancelled request", err)
	}
	wantNobodyAt(t, a.started.RedirectURI)
	if m.Pending(w.URL()) {
		t.Error("a sign-in still waits")
	}
}

func TestACodeThatGitLabDoesNotTake(t *testing.T) {
	w := newWorld(t, settings{})
	w.SetFault(providertest.EndpointToken, providertest.Fault{Status: http.StatusBadRequest, Body: `{"error":"invalid_grant"}`})
	a := w.begin(t.Context(), w.manager(nil))
	if err := w.approve(a); !errors.Is(err, protocol.GitLabError) {
		t.Errorf("the error is %v, want GitLabError", err)
	}
	if !strings.Contains(a.page.Body, "Start the sign-in again") {
		t.Errorf("the page does not say what to do:\n%s", a.page.Body)
	}
}

func TestAnApplicationThatChangesDuringTheSignIn(t *testing.T) {
	w := newWorld(t, settings{})
	a := w.begin(t.Context(), w.manager(nil))
	in := w.instance()
	in.ClientID = "another"
	w.update(func(tx *store.Tx) error { return tx.PutInstance(in, secret.New(w.app.Secret)) })
	if err := w.approve(a); !errors.Is(err, protocol.Conflict) {
		t.Errorf("the error is %v, want Conflict", err)
	}
	if _, _, err := w.saved(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an account was saved: %v", err)
	}
	if got := w.Count(http.MethodPost, "/oauth/revoke"); got != 1 {
		t.Errorf("the unused tokens were revoked %d times, want once", got)
	}
}

func TestASignInWithoutAVersion(t *testing.T) {
	w := newWorld(t, settings{})
	w.SetFault(providertest.EndpointVersion, providertest.Fault{Status: http.StatusForbidden})
	w.SetFault(providertest.EndpointMetadata, providertest.Fault{Status: http.StatusForbidden})
	if err := w.approve(w.begin(t.Context(), w.manager(nil))); err != nil {
		t.Errorf("the sign-in failed, though only the version is not told: %v", err)
	}
	w.ClearFaults()
	if err := w.approve(w.begin(t.Context(), w.manager(nil))); err != nil {
		t.Fatal(err)
	}
	if got := w.instance().Version; got == "" {
		t.Error("the version is not kept")
	}
}
