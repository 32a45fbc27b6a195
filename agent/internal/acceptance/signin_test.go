//go:build doorkeeper

package acceptance

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestSignIn signs in with each kind of application that an administrator can
// register, uses the account, and looks at what the agent sent to get there.
func TestSignIn(t *testing.T) {
	t.Parallel()
	localhost := "http://localhost:" + freePort(t) + "/callback"
	tests := []struct {
		name        string
		env         []string
		application func(*oauthApplication)
		scopes      []string // configured; nil for the default
		redirect    string   // configured; "" for the default
		byEditor    bool     // the callback reaches the editor
		forEver     bool     // the tokens do not expire
	}{
		{name: "confidential"},
		{name: "public", application: func(a *oauthApplication) { a.Confidential, a.Secret = false, "" }},
		{name: "trusted", application: func(a *oauthApplication) { a.Trusted = true }},
		{name: "relative root", env: []string{"DOORKEEPER_ROOT=/gitlab"}},
		{name: "several redirects", application: func(a *oauthApplication) {
			a.RedirectURI = "https://example.com/another\n" + a.RedirectURI
		}},
		{
			name: "localhost with its port", redirect: localhost,
			application: func(a *oauthApplication) { a.RedirectURI = localhost },
		},
		{
			name: "an editor's own scheme", redirect: "vscode://codestream.codestream/signed-in", byEditor: true,
			application: func(a *oauthApplication) { a.RedirectURI = "vscode://codestream.codestream/signed-in" },
		},
		{
			name: "several scopes", scopes: []string{"read_user", "read_api"},
			application: func(a *oauthApplication) { a.Scopes = "read_api read_user read_repository" },
		},
		{name: "tokens for ever", env: []string{"DOORKEEPER_TOKEN_LIFETIME=never"}, forEver: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := standard()
			if test.application != nil {
				test.application(&app)
			}
			d := startDoorkeeper(t, test.env, app)
			w := openWindow(t, t.TempDir(), app.Secret)
			configured := ask(w, protocol.Configure, protocol.ConfigureParams{
				URL: d.url + "/", ClientID: app.UID, ClientSecret: app.Secret,
				RedirectURI: test.redirect, Scopes: test.scopes,
			})
			if configured.Instance.ID != d.url || len(configured.Warnings) > 0 {
				t.Errorf("configure: %+v, want the id %s and no warning", configured, d.url)
			}
			s := w.startSignIn(protocol.AuthenticateParams{})
			if test.byEditor {
				d.approveThroughEditor(s)
			} else {
				d.approve(s)
			}
			account := s.account()
			if account.User.Username != username || account.Method != protocol.MethodBrowser || (account.ExpiresAt == nil) != test.forEver {
				t.Errorf("the account is %+v", account)
			}
			checkUse(t, d, w, account)
			checkAuthorization(t, d.journal())
			checkExchange(t, d.journal(), app.Confidential)
		})
	}
}

// approve is the person who approves, and ends on the agent's page.
func (d *doorkeeper) approve(s *signIn) {
	d.t.Helper()
	page, err := d.browser().Approve(s.window.ctx, s.AuthorizeURL)
	switch {
	case err != nil:
		d.t.Fatal(err)
	case page.Status != http.StatusOK || !strings.HasPrefix(page.URL, s.RedirectURI) || !strings.Contains(page.Body, "@"+username):
		d.t.Fatalf("the browser ended on %s with %d:\n%s", page.Title, page.Status, page.Body)
	case strings.Contains(page.URL, "code="):
		d.t.Error("the code has stayed in the address bar")
	}
}

// approveThroughEditor is the person who approves, and whose system hands the
// callback to the editor.
func (d *doorkeeper) approveThroughEditor(s *signIn) {
	d.t.Helper()
	callback, err := d.browser().ApproveUntilCallback(s.window.ctx, s.AuthorizeURL)
	if err != nil {
		d.t.Fatal(err)
	}
	ask(s.window, protocol.CompleteAuthentication, protocol.CompleteAuthenticationParams{CallbackURL: callback})
}

// checkUse does with an account what editors do.
func checkUse(t *testing.T, d *doorkeeper, w *window, account protocol.Account) {
	t.Helper()
	in := w.onlyInstance()
	if in.Auth.State != protocol.StateSignedIn || len(in.Auth.Accounts) != 1 || in.Version != "17.0.0" {
		t.Errorf("the instance is %+v", in)
	}
	if !slices.Equal(in.Scopes, account.Scopes) {
		t.Errorf("the scopes are %q, want %q", account.Scopes, in.Scopes)
	}
	if user := ask(w, protocol.CurrentUser, protocol.CurrentUserParams{}); user != account.User || user.Email != username+"@example.com" {
		t.Errorf("the current user is %+v, but %+v signed in", user, account.User)
	}
	projects := ask(w, protocol.CallAPI, protocol.CallAPIParams{Path: "/projects", AllPages: true})
	if projects.Status != http.StatusOK || !strings.Contains(string(projects.Body), username+"/notes") {
		t.Errorf("the projects are %d %s", projects.Status, projects.Body)
	}
	token := ask(w, protocol.Token, protocol.TokenParams{})
	if status := d.userStatus(token.AccessToken); status != http.StatusOK {
		t.Errorf("the API answers %d to the token that was handed out", status)
	}
	if token.TokenType != "Bearer" || token.GitUsername != "oauth2" || (token.ExpiresAt == nil) != (account.ExpiresAt == nil) {
		t.Errorf("the token's type is %q, for git as %q, until %v", token.TokenType, token.GitUsername, token.ExpiresAt)
	}
}

// checkAuthorization looks at how the browser was sent off.
func checkAuthorization(t *testing.T, j journal) {
	t.Helper()
	asked := j.find(http.MethodGet, "/oauth/authorize")
	want := []string{"client_id", "code_challenge", "code_challenge_method", "redirect_uri", "response_type", "scope", "state"}
	if len(asked) == 0 || !slices.Equal(slices.Sorted(slices.Values(asked[0].Query)), want) {
		t.Errorf("the browser was sent off with %+v, want %q", asked, want)
	}
}

// checkExchange looks at how the code was traded for tokens: by the verifier of
// its challenge, with the client's credentials in the body and nowhere else.
func checkExchange(t *testing.T, j journal, confidential bool) {
	t.Helper()
	want := []string{"client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri"}
	if !confidential {
		want = slices.DeleteFunc(want, func(name string) bool { return name == "client_secret" })
	}
	exchanges := j.grants("authorization_code")
	if len(exchanges) != 2 || exchanges[0].Status != http.StatusBadRequest || exchanges[1].Status != http.StatusOK {
		t.Fatalf("there were the exchanges %+v, want the check of the application and the sign-in's", exchanges)
	}
	for _, e := range exchanges {
		if !slices.Equal(slices.Sorted(slices.Values(e.Parameters)), want) || len(e.Query) > 0 || e.Authorization != "" {
			t.Errorf("the exchange was %+v, want the parameters %q in the body", e, want)
		}
	}
}

// TestSignInAgain replaces an account's tokens in place. GitLab does not ask for
// consent again, and sends the browser back by script.
func TestSignInAgain(t *testing.T) {
	t.Parallel()
	d, w := signedIn(t, nil)
	first := ask(w, protocol.Token, protocol.TokenParams{})
	consents := len(d.journal().find(http.MethodPost, "/oauth/authorize"))
	s := w.startSignIn(protocol.AuthenticateParams{})
	d.approve(s)
	account := s.account()
	if now := d.journal().find(http.MethodPost, "/oauth/authorize"); len(now) != consents {
		t.Errorf("the person had to consent again")
	}
	if in := w.onlyInstance(); len(in.Auth.Accounts) != 1 || in.Auth.Accounts[0].ID != account.ID {
		t.Errorf("there are the accounts %+v, want the one", in.Auth.Accounts)
	}
	if second := ask(w, protocol.Token, protocol.TokenParams{}); second.AccessToken == first.AccessToken {
		t.Error("the token is still the first one")
	}
	ask(w, protocol.CurrentUser, protocol.CurrentUserParams{})
}

// TestDeny is the person who changes their mind, twice.
func TestDeny(t *testing.T) {
	t.Parallel()
	d := startDoorkeeper(t, nil, standard())
	w := d.openConfigured(t.TempDir())
	s := w.startSignIn(protocol.AuthenticateParams{})
	page, err := d.browser().Deny(w.ctx, s.AuthorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	if page.Status != http.StatusBadRequest || !strings.HasPrefix(page.Title, "You did not give access") {
		t.Errorf("the page is %q with %d", page.Title, page.Status)
	}
	_, err = s.wait()
	if data := refused(t, err, protocol.SignInDenied); data.Instance != d.url || data.Hint == "" {
		t.Errorf("the error is %+v", data)
	}
	if in := w.onlyInstance(); in.Auth.State != protocol.StateSignedOut {
		t.Errorf("the state is %s", in.Auth.State)
	}
	if exchanges := d.journal().grants("authorization_code"); len(exchanges) != 1 {
		t.Errorf("there were %d exchanges, want only the check of the application", len(exchanges))
	}
	again := w.startSignIn(protocol.AuthenticateParams{})
	d.approve(again)
	again.account()
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return (&url.URL{Host: listener.Addr().String()}).Port()
}

// openConfigured opens a window in which the standard application is configured.
func (d *doorkeeper) openConfigured(dataDir string) *window {
	d.t.Helper()
	app := standard()
	w := openWindow(d.t, dataDir, app.Secret)
	ask(w, protocol.Configure, protocol.ConfigureParams{URL: d.url, ClientID: app.UID, ClientSecret: app.Secret})
	return w
}

// signedIn starts a server and opens a window in which sam is signed in.
func signedIn(t *testing.T, env []string) (*doorkeeper, *window) {
	t.Helper()
	d := startDoorkeeper(t, env, standard())
	w := d.openConfigured(t.TempDir())
	s := w.startSignIn(protocol.AuthenticateParams{})
	d.approve(s)
	s.account()
	return d, w
}
