package providertest

import (
	"net/url"
	"strings"
	"testing"
)

// What is wrong with a request is shown on a page with status 200 that leads
// nowhere, unless the client may learn of it and the server is a newer one.
func TestAuthorizeErrors(t *testing.T) {
	cases := []struct {
		name     string
		change   []string
		redirect string // the error that a newer server sends back
	}{
		{"unknown client", []string{"client_id", "1234"}, ""},
		{"no client", []string{"client_id", ""}, ""},
		{"redirect not registered", []string{"redirect_uri", "http://127.0.0.1/other"}, ""},
		{"no redirect", []string{"redirect_uri", ""}, ""},
		{"scope not the application's", []string{"scope", "api sudo"}, "invalid_scope"},
		{"response type", []string{"response_type", "token"}, "unsupported_response_type"},
		{"challenge method", []string{"code_challenge_method", "S512"}, "invalid_code_challenge_method"},
	}
	for _, newer := range []bool{false, true} {
		w := start(t, Options{RedirectErrors: newer})
		for _, c := range cases {
			address, _ := w.authorizeURL(w.public, c.change...)
			page, err := w.browser().Open(t.Context(), address)
			if err != nil || page.Title != "Sign in · GitLab" {
				t.Fatalf("%s: %v %v", c.name, page, err)
			}
			if newer && c.redirect != "" {
				callback, err := w.browser().ApproveUntilCallback(t.Context(), address)
				u, _ := url.Parse(callback)
				if err != nil || u.Query().Get("error") != c.redirect || u.Query().Get("state") == "" {
					t.Errorf("%s: sent back %q, %v", c.name, u.Query(), err)
				}
				continue
			}
			page, err = w.browser().Approve(t.Context(), address)
			if err != nil || page.Status != 200 || !strings.Contains(page.Body, "An error has occurred") {
				t.Errorf("%s: %v %v", c.name, page, err)
			}
		}
	}
}

func TestSameRedirect(t *testing.T) {
	cases := []struct {
		registered, requested string
		same                  bool
	}{
		{"http://127.0.0.1/cb", "http://127.0.0.1:4711/cb", true},
		{"http://127.0.0.1:1/cb", "http://127.0.0.1/cb", true},
		{"http://127.9.8.7/cb", "http://127.9.8.7:4711/cb", true},
		{"http://[::1]/cb", "http://[::1]:4711/cb", true},
		{"http://127.0.0.1/cb", "http://127.0.0.1:4711/cb/", false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:4711/cb?x=1", false},
		{"http://127.0.0.1/cb", "http://127.0.0.2:4711/cb", false},
		{"http://localhost/cb", "http://localhost:4711/cb", false},
		{"http://localhost:4711/cb", "http://localhost:4711/cb", true},
		{"https://127.0.0.1/cb", "https://127.0.0.1:4711/cb", false},
		{"http://192.0.2.1/cb", "http://192.0.2.1:4711/cb", false},
		{"vscode://codestream/cb", "vscode://codestream/cb", true},
		{"https://relay.example/cb", "https://relay.example/CB", false},
		{"", "", false},
	}
	for _, c := range cases {
		if got := start(t, Options{}).sameRedirect(c.registered, c.requested); got != c.same {
			t.Errorf("registered %q, requested %q: %v", c.registered, c.requested, got)
		}
		if got, same := start(t, Options{Version: "13.8.8"}).sameRedirect(c.registered, c.requested), c.registered != "" && c.registered == c.requested; got != same {
			t.Errorf("before 13.9: registered %q, requested %q: %v", c.registered, c.requested, got)
		}
	}
}

func TestDenyComesBack(t *testing.T) {
	w := start(t, Options{})
	address, _ := w.authorizeURL(w.public)
	callback, err := w.browser().DenyUntilCallback(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := url.Parse(callback)
	sent, _ := url.Parse(address)
	if got.Query().Get("error") != "access_denied" || got.Query().Get("error_description") == "" ||
		got.Query().Get("state") != sent.Query().Get("state") || got.Query().Has("code") {
		t.Errorf("callback with %v", sortedKeys(got.Query()))
	}
	w.clean()
}

// Who skips consent, and that the answer is then a page and no redirect.
func TestSkippedConsent(t *testing.T) {
	w := start(t, Options{})
	trusted := w.AddApplication(Application{
		Name: "Trusted", Trusted: true, RedirectURIs: []string{redirectURI, "vscode://codestream.codestream/callback"},
	})
	asks := func(app Application, change ...string) bool {
		t.Helper()
		address, _ := w.authorizeURL(app, change...)
		b := w.browser()
		if _, err := b.Approve(t.Context(), w.URL()+"/users/sign_in"); err != nil {
			t.Fatal(err)
		}
		_, _, err := b.travel(t.Context(), address, leave, mustParse(redirectURI))
		if err != nil {
			t.Fatal(err)
		}
		last := w.Requests()[len(w.Requests())-1]
		if last.Path != "/oauth/authorize" || last.Status != 200 {
			t.Fatalf("ended on %s %d", last.Path, last.Status)
		}
		page, target, err := b.travel(t.Context(), address, leave, mustParse(redirectURI))
		if err != nil {
			t.Fatal(err)
		}
		return target == "" && strings.Contains(page.Body, "authorize-button")
	}
	if asks(trusted) {
		t.Error("a trusted application asks")
	}
	if !asks(w.confidential) || !asks(w.public) {
		t.Error("an application does not ask the first time")
	}
	w.Issue("sam", w.confidential.ID, "api")
	w.Issue("sam", w.public.ID, "api")
	if asks(w.confidential) {
		t.Error("a confidential application asks again")
	}
	if !asks(w.confidential, "scope", "api read_user") {
		t.Error("it does not ask for other scopes")
	}
	if !asks(w.public) {
		t.Error("a public application does not ask again")
	}
	w.RevokeTokens("sam")
	if !asks(w.confidential) {
		t.Error("it does not ask after the tokens were revoked")
	}
	const custom = "vscode://codestream.codestream/callback"
	address, _ := w.authorizeURL(trusted, "redirect_uri", custom)
	callback, err := w.browser().ApproveUntilCallback(t.Context(), address)
	if err != nil || !strings.HasPrefix(callback, custom+"?code=") {
		t.Errorf("custom scheme: %v", err)
	}
	w.clean()
}

func mustParse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u
}

func TestDefaultScopeIsTheFirst(t *testing.T) {
	w := start(t, Options{})
	code, verifier := w.code(w.confidential, "scope", "")
	r := w.post("/oauth/token", w.codeForm(w.confidential, code, verifier))
	if r.text("scope") != "api" {
		t.Errorf("scope %q", r.text("scope"))
	}
}

func TestSignInForm(t *testing.T) {
	w := start(t, Options{Root: "/gitlab"})
	for _, c := range []struct {
		name, user, password, text string
	}{
		{"wrong password", "sam", "wrong", "Wrong username or password"},
		{"unknown user", "nobody", "wrong", "Wrong username or password"},
		{"blocked", "alex", "right", "blocked"},
	} {
		w.AddUser(User{Username: "alex", Password: "right", Blocked: true})
		address, _ := w.authorizeURL(w.public)
		page, err := NewBrowser(c.user, c.password, nil).Approve(t.Context(), address)
		if err == nil || page == nil || !strings.Contains(page.Body, c.text) || page.Status != 200 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	forged := w.post("/users/sign_in", url.Values{"user[login]": {"sam"}, "user[password]": {w.sam.Password}})
	if forged.status != 422 {
		t.Errorf("without the form's token: %d", forged.status)
	}
	r := w.do("GET", "/some/group", "")
	if r.status != 302 || r.header.Get("Location") != "/gitlab/users/sign_in" {
		t.Errorf("an unknown page: %d to %q", r.status, r.header.Get("Location"))
	}
	page, err := w.browser().Approve(t.Context(), strings.TrimSuffix(w.URL(), "/gitlab")+"/gitlabby")
	if err != nil || page.Status != 404 || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		t.Errorf("outside the root: %v %v", page, err)
	}
	page, err = w.browser().Approve(t.Context(), w.URL()+"/")
	if err != nil || !strings.Contains(page.Body, "Hello, Sam") {
		t.Errorf("home: %v", err)
	}
	w.clean()
}
