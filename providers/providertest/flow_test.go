package providertest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// The whole life of a sign-in, in every kind of installation and of client.
func TestSignInToSignOut(t *testing.T) {
	cases := []struct {
		name   string
		o      Options
		public bool
	}{
		{"at the root of a host", Options{}, false},
		{"public client", Options{}, true},
		{"relative root", Options{Root: "/gitlab"}, false},
		{"TLS", Options{TLS: true, Root: "/git/Lab/"}, true},
		{"localhost", Options{Addr: "localhost:0"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, c.o)
			app := w.confidential
			if c.public {
				app = w.public
			}
			code, verifier := w.code(app)
			r := w.post("/oauth/token", w.codeForm(app, code, verifier))
			w.want(r, 200, "")
			if r.text("token_type") != "Bearer" || r.json["expires_in"] != 7200.0 || r.text("scope") != "api" ||
				r.json["created_at"] == nil || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("token answer: %v %v", r.header, sortedKeys(r.json))
			}
			access, refresh := r.text("access_token"), r.text("refresh_token")
			if !strings.HasPrefix(access, "glfake-at-") || !strings.HasPrefix(refresh, "glfake-rt-") {
				t.Error("the tokens do not start with the prefix")
			}
			user := w.get("/api/v4/user", access)
			if user.text("username") != "sam" || user.json["id"] != 1.0 || user.text("web_url") != w.URL()+"/sam" {
				t.Errorf("user: %s", user.body)
			}

			r = w.post("/oauth/token", w.refreshForm(app, refresh))
			w.want(r, 200, "")
			fresh := r.text("access_token")
			w.want(w.get("/api/v4/user", access), 401, "invalid_token")
			w.want(w.get("/api/v4/user", fresh), 200, "")

			w.want(w.post("/oauth/revoke", w.revokeForm(app, fresh)), 200, "")
			w.want(w.get("/api/v4/user", fresh), 401, "invalid_token")
			w.clean()

			w.want(w.post("/oauth/token", w.refreshForm(app, r.text("refresh_token"))), 400, "invalid_grant")
			for _, secret := range []string{code, verifier, access, refresh, fresh, app.Secret} {
				if !slices.Contains(w.Secrets(), secret) {
					t.Errorf("a secret is not in the list")
				}
			}
		})
	}
}

func (w *world) revokeForm(app Application, token string) url.Values {
	form := url.Values{"client_id": {app.ID}, "token": {token}}
	if app.Confidential {
		form.Set("client_secret", app.Secret)
	}
	return form
}

func TestJournal(t *testing.T) {
	w := start(t, Options{Root: "/gitlab"})
	hold := make(chan struct{})
	w.SetFault(EndpointToken, Fault{Hold: hold})
	done := make(chan reply)
	go func() {
		r, _ := w.request("POST", "/oauth/token", w.refreshForm(w.public, "unknown-token").Encode(),
			"Content-Type", "application/x-www-form-urlencoded")
		done <- r
	}()
	if err := w.Await(t.Context(), "POST", "/oauth/token", 1); err != nil {
		t.Fatal(err)
	}
	if got := w.Requests()[0]; got.Status != 0 || got.Time.IsZero() || got.Form.Get("client_id") != w.public.ID {
		t.Errorf("in flight: %d %v %v", got.Status, got.Time, got.FormNames())
	}
	close(hold)
	w.want(<-done, 400, "invalid_grant")
	got := w.Requests()[0]
	if got.Status != 400 || got.Path != "/oauth/token" || w.Count("POST", "/oauth/token") != 1 {
		t.Errorf("answered: %d %s", got.Status, got.Path)
	}
	if !slices.Equal(got.FormNames(), []string{"client_id", "grant_type", "refresh_token"}) {
		t.Errorf("form names %v", got.FormNames())
	}
}

func TestExpireAndRevoke(t *testing.T) {
	w := start(t, Options{})
	tokens := w.Issue("sam", w.public.ID)
	if left := time.Until(tokens.ExpiresAt); left < time.Hour || !slices.Equal(tokens.Scopes, []string{"api"}) {
		t.Errorf("tokens for %v with %v", left, tokens.Scopes)
	}
	w.ExpireTokens("sam")
	r := w.get("/api/v4/user", tokens.AccessToken)
	w.want(r, 401, "invalid_token")
	if !strings.Contains(r.text("error_description"), "expired") || r.header.Get("WWW-Authenticate") == "" {
		t.Errorf("expired: %s", r.body)
	}
	r = w.post("/oauth/token", w.refreshForm(w.public, tokens.RefreshToken))
	w.want(r, 200, "")
	w.RevokeTokens("sam")
	dead := w.get("/api/v4/user", r.text("access_token"))
	w.want(dead, 401, "invalid_token")
	if !strings.Contains(dead.text("error_description"), "revoked") {
		t.Errorf("revoked: %s", dead.body)
	}
	w.want(w.post("/oauth/token", w.refreshForm(w.public, r.text("refresh_token"))), 400, "invalid_grant")
	w.clean()
}

func TestTokensWithoutExpiry(t *testing.T) {
	w := start(t, Options{TokenLifetime: -1})
	code, verifier := w.code(w.public)
	r := w.post("/oauth/token", w.codeForm(w.public, code, verifier))
	w.want(r, 200, "")
	if _, has := r.json["expires_in"]; has || r.text("refresh_token") == "" {
		t.Errorf("fields %v", sortedKeys(r.json))
	}
	if !w.Issue("sam", w.public.ID).ExpiresAt.IsZero() {
		t.Error("the tokens expire")
	}
	w.want(w.get("/oauth/token/info", r.text("access_token")), 200, "")
}

func TestOpenIDAndTokenInfo(t *testing.T) {
	w := start(t, Options{Root: "/gitlab"})
	d := w.get("/.well-known/openid-configuration", "")
	if d.text("issuer") != w.URL() || d.text("token_endpoint") != w.URL()+"/oauth/token" ||
		strings.Contains(d.body, "device") || d.header.Get("Content-Type") != "application/json" {
		t.Errorf("discovery: %s", d.body)
	}
	info := w.get("/oauth/token/info", w.Issue("sam", w.public.ID).AccessToken)
	if info.json["resource_owner_id"] != 1.0 || info.json["expires_in"] == nil {
		t.Errorf("info: %s", info.body)
	}
	w.want(w.get("/oauth/token/info", "no-such-token"), 400, "invalid_request")
	app := w.AddApplication(Application{Scopes: []string{"openid", "api"}})
	if sub := w.get("/oauth/userinfo", w.Issue("sam", app.ID, "openid").AccessToken).text("sub"); sub != "1" {
		t.Errorf("sub %q", sub)
	}
	w.want(w.get("/oauth/userinfo", w.Issue("sam", app.ID, "api").AccessToken), http.StatusForbidden, "insufficient_scope")
	w.clean()
}
