//go:build doorkeeper

package acceptance

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestSignIn signs in to each kind of server, with each kind of application that
// an administrator can register there, and uses the account.
func TestSignIn(t *testing.T) {
	t.Parallel()
	servers := []struct {
		name    string
		env     []string
		forEver bool // the tokens do not expire
		tls     bool // by an nginx with a certificate of a private authority
	}{
		{name: "plain"},
		{name: "relative root", env: []string{"DOORKEEPER_ROOT=/gitlab"}},
		{name: "tokens for ever", env: []string{"DOORKEEPER_TOKEN_LIFETIME=never"}, forEver: true},
		{name: "https with a private authority", tls: true},
		{name: "https and a relative root", env: []string{"DOORKEEPER_ROOT=/gitlab"}, tls: true},
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			registrations := registrations(t)
			var applications []oauthApplication
			for _, r := range registrations {
				applications = append(applications, r.oauthApplication)
			}
			d := startDoorkeeper(t, server.env, applications...)
			if server.tls {
				d = d.behindTLS(t, newAuthority(t))
			}
			for _, r := range registrations {
				t.Run(r.Name, func(t *testing.T) { d.at(t).signInWith(r, server.forEver) })
			}
		})
	}
}

// A registration is an application, and how the agent is told of it.
type registration struct {
	oauthApplication
	redirect string   // configured; "" for the default
	scopes   []string // configured; nil for the default
}

// registrations lists the kinds of application, each with an ID of its own.
func registrations(t *testing.T) []registration {
	t.Helper()
	list := []registration{
		{oauthApplication: oauthApplication{Name: "confidential", Confidential: true}},
		{oauthApplication: oauthApplication{Name: "public"}},
		{oauthApplication: oauthApplication{Name: "trusted", Confidential: true, Trusted: true}},
		{oauthApplication: oauthApplication{
			Name: "several redirects", Confidential: true,
			RedirectURI: "https://example.com/another\n" + auth.DefaultRedirectURI,
		}},
		{
			oauthApplication: oauthApplication{Name: "several scopes", Confidential: true, Scopes: "read_api read_user read_repository"},
			scopes:           []string{"read_user", "read_api"},
		},
		{
			oauthApplication: oauthApplication{Name: "a fixed port", Confidential: true},
			redirect:         "http://127.0.0.1:" + freePort(t) + "/no-auth/provider-token/gitlab_enterprise",
		},
		{
			oauthApplication: oauthApplication{Name: "localhost with its port", Confidential: true},
			redirect:         "http://localhost:" + freePort(t) + "/callback",
		},
		{
			oauthApplication: oauthApplication{Name: "an editor's scheme"},
			redirect:         "vscode://codestream.codestream/signed-in",
		},
	}
	for i := range list {
		r := &list[i]
		r.UID = fmt.Sprintf("application-%d", i)
		if r.Confidential {
			r.Secret = fmt.Sprintf("gloas-b7c1e07f95d3416f8a%d", i)
		}
		r.RedirectURI = cmp.Or(r.RedirectURI, r.redirect, auth.DefaultRedirectURI)
		r.oauthApplication.Scopes = cmp.Or(r.oauthApplication.Scopes, "api")
	}
	return list
}

// signInWith configures an application, signs in, uses the account, and looks at
// what the agent sent to get there.
func (d *doorkeeper) signInWith(r registration, forEver bool) {
	before := d.journal()
	w := openWindow(d.t, d.t.TempDir(), r.Secret)
	configured := ask(w, protocol.Configure, protocol.ConfigureParams{
		URL: d.url + "/", ClientID: r.UID, ClientSecret: r.Secret, RedirectURI: r.redirect, Scopes: r.scopes, Network: d.network(),
	})
	if configured.Instance.ID != d.url || len(configured.Warnings) > 0 {
		d.t.Errorf("configure: %+v, want the id %s and no warning", configured, d.url)
	}
	s := w.startSignIn(protocol.AuthenticateParams{})
	if strings.HasPrefix(s.RedirectURI, "http://") {
		d.approve(s)
	} else {
		d.approveThroughEditor(s)
	}
	account := s.account()
	if account.User.Username != username || account.Method != protocol.MethodBrowser || (account.ExpiresAt == nil) != forEver {
		d.t.Errorf("the account is %+v", account)
	}
	d.checkUse(w, account)
	j := d.journal().since(before)
	checkAuthorization(d.t, j)
	checkExchange(d.t, j, r.Confidential)
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
func (d *doorkeeper) checkUse(w *window, account protocol.Account) {
	t := d.t
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
	if page.Status != http.StatusOK || !strings.HasPrefix(page.Title, "You did not give access") {
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

// freePort returns a port that is free.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
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

// onlyInstance returns the one instance that is configured, as status tells it.
func (w *window) onlyInstance() protocol.Instance {
	w.t.Helper()
	instances := ask(w, protocol.Status, protocol.StatusParams{}).Instances
	if len(instances) != 1 {
		w.t.Fatalf("there are %d instances, want 1", len(instances))
	}
	return instances[0]
}

// account is wait where all is well.
func (s *signIn) account() protocol.Account {
	s.window.t.Helper()
	account, err := s.wait()
	if err != nil {
		s.window.t.Fatal("authenticate: ", err)
	}
	return account
}
