package providertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What a careful client never does, one by one.
func TestViolations(t *testing.T) {
	basic := func(id, secret string) string {
		r, _ := http.NewRequest("GET", "/", nil)
		r.SetBasicAuth(id, secret)
		return r.Header.Get("Authorization")
	}
	open := func(w *world, change ...string) {
		address, _ := w.authorizeURL(w.public, change...)
		if _, err := w.browser().Open(w.t.Context(), address); err != nil {
			w.t.Error(err)
		}
	}
	cases := []struct {
		name string
		do   func(w *world)
		want string
	}{
		{"no PKCE", func(w *world) { open(w, "code_challenge", "", "code_challenge_method", "") }, "authorize: no PKCE code challenge"},
		{"plain", func(w *world) { open(w, "code_challenge_method", "plain") }, "authorize: the PKCE method is not S256"},
		{"no method", func(w *world) { open(w, "code_challenge_method", "") }, "authorize: the PKCE method is not S256"},
		{"no state", func(w *world) { open(w, "state", "") }, "authorize: no state"},
		{"short state", func(w *world) { open(w, "state", "0123456789") }, "authorize: the state is shorter than 20 characters"},
		{"state again", func(w *world) {
			open(w, "state", "0123456789012345678901234567890")
			open(w, "state", "0123456789012345678901234567890")
		}, "authorize: the state of an earlier sign-in"},
		{"challenge again", func(w *world) {
			open(w, "code_challenge", "01234567890123456789")
			open(w, "code_challenge", "01234567890123456789")
		}, "authorize: the code challenge of an earlier sign-in"},
		{"secret at authorize", func(w *world) { open(w, "client_secret", w.public.Secret) }, "authorize: a secret in the query: client_secret"},
		{"secret by another name", func(w *world) { w.do("GET", "/oauth/token/info?x="+w.public.Secret, "") },
			"token_info: a secret in the query: x"},
		{"token in the query", func(w *world) { w.do("GET", "/api/v4/user?private_token=some-token", "") },
			"user: a secret in the query: private_token"},
		{"token in the path", func(w *world) { w.do("GET", "/api/v4/"+w.Issue("sam", w.public.ID).AccessToken, "") }, "web: a secret in the path"},
		{"token for the web", func(w *world) { w.get("/users/sign_in", "some-token") }, "sign_in: a token was sent to an endpoint that takes none"},
		{"token for the token endpoint", func(w *world) { w.post("/oauth/token", url.Values{"a": {"b"}}, "PRIVATE-TOKEN", "some-token") },
			"token: a token was sent to an endpoint that takes none"},
		{"two tokens", func(w *world) {
			w.do("GET", "/api/v4/user", "", "PRIVATE-TOKEN", "some-token", "Authorization", "Bearer some-token")
		}, "user: an Authorization and a PRIVATE-TOKEN header in one request"},
		{"Basic", func(w *world) {
			w.post("/oauth/revoke", url.Values{}, "Authorization", basic(w.confidential.ID, w.confidential.Secret))
		}, "revoke: client credentials by Basic authentication"},
		{"Basic and body", func(w *world) {
			w.post("/oauth/token", w.refreshForm(w.confidential, "unknown-token"),
				"Authorization", basic(w.confidential.ID, w.confidential.Secret))
		}, "token: client credentials in the Authorization header and in the body"},
		{"public client's secret", func(w *world) {
			form := w.refreshForm(w.public, "unknown-token")
			form.Set("client_secret", w.public.Secret)
			w.post("/oauth/token", form)
		}, "token: a public client sent a secret"},
		{"another redirect", func(w *world) {
			code, verifier := w.code(w.public)
			form := w.codeForm(w.public, code, verifier)
			form.Set("redirect_uri", "http://127.0.0.1/callback")
			w.post("/oauth/token", form)
		}, "token: the redirect URI differs from the one at authorize"},
		{"spent refresh token", func(w *world) {
			form := w.refreshForm(w.public, w.Issue("sam", w.public.ID).RefreshToken)
			w.post("/oauth/token", form)
			w.post("/oauth/token", form)
		}, "token: refresh token reused"},
		{"refresh token after revoking it", func(w *world) {
			pair := w.Issue("sam", w.public.ID)
			w.post("/oauth/revoke", w.revokeForm(w.public, pair.RefreshToken))
			w.post("/oauth/token", w.refreshForm(w.public, pair.RefreshToken))
		}, "token: refresh token reused"},
		{"refresh token that was refused", func(w *world) {
			pair := w.Issue("sam", w.public.ID)
			w.RevokeTokens("sam")
			w.post("/oauth/token", w.refreshForm(w.public, pair.RefreshToken))
			w.clean()
			w.post("/oauth/token", w.refreshForm(w.public, pair.RefreshToken))
		}, "token: refresh token reused"},
		{"refresh token in flight", func(w *world) {
			hold := make(chan struct{})
			w.SetFault(EndpointToken, Fault{Hold: hold, Times: 2})
			form := w.refreshForm(w.public, w.Issue("sam", w.public.ID).RefreshToken).Encode()
			ended := make(chan error)
			for range 2 {
				go func() {
					_, err := w.request("POST", "/oauth/token", form, "Content-Type", "application/x-www-form-urlencoded")
					ended <- err
				}()
			}
			if err := w.Await(w.t.Context(), "POST", "/oauth/token", 2); err != nil {
				w.t.Error(err)
			}
			close(hold)
			<-ended
			<-ended
		}, "token: refresh token reused while a request with it was in flight"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, Options{})
			c.do(w)
			found := strings.Join(w.Violations(), "\n")
			if !strings.Contains(found+"\n", c.want+"\n") {
				t.Errorf("got %q", found)
			}
			for _, secret := range w.Secrets() {
				if strings.Contains(found, secret) {
					t.Error("a violation holds a secret")
				}
			}
		})
	}
}

// The same URL may be opened again: by whoever has it while the sign-in waits,
// and for ever in the browser that ended it.
func TestReloadingIsNoViolation(t *testing.T) {
	w := start(t, Options{})
	address, _ := w.authorizeURL(w.public)
	if _, err := w.browser().Open(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	for range 2 {
		if _, err := b.ApproveUntilCallback(t.Context(), address); err != nil {
			t.Fatal(err)
		}
	}
	w.clean()
	if _, err := w.browser().Open(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if v := w.Violations(); len(v) != 2 { // the state and the challenge
		t.Errorf("an ended sign-in in another browser: %q", v)
	}
}
