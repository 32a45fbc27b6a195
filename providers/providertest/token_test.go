package providertest

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

func TestTokenRefusals(t *testing.T) {
	type change func(w *world, form url.Values) []string // returns headers
	set := func(name, value string) change {
		return func(_ *world, form url.Values) []string { form.Set(name, value); return nil }
	}
	drop := func(name string) change {
		return func(_ *world, form url.Values) []string { form.Del(name); return nil }
	}
	cases := []struct {
		name   string
		change change
		status int
		code   string
		burns  bool // the code is of no use any more
	}{
		{"unknown client", set("client_id", "1234"), 401, "invalid_client", false},
		{"no client", drop("client_id"), 401, "invalid_client", false},
		{"wrong secret", set("client_secret", "wrong-secret"), 401, "invalid_client", false},
		{"no secret", drop("client_secret"), 401, "invalid_client", false},
		{"renewed secret", func(w *world, _ url.Values) []string {
			w.confidential.Secret = w.RenewSecret(w.confidential.ID)
			return nil
		},
			401, "invalid_client", false},
		{"wrong client and wrong code", func(_ *world, f url.Values) []string { f.Set("client_id", "1234"); f.Set("code", "none"); return nil },
			401, "invalid_client", false},
		{"another client", func(w *world, f url.Values) []string {
			f.Set("client_id", w.public.ID)
			f.Del("client_secret")
			return nil
		},
			400, "invalid_grant", false},
		{"unknown code", set("code", "none"), 400, "invalid_grant", false},
		{"another redirect", set("redirect_uri", "http://127.0.0.1:9/callback"), 400, "invalid_grant", false},
		{"no redirect", drop("redirect_uri"), 400, "invalid_request", false},
		{"wrong verifier", set("code_verifier", "wrong-verifier"), 400, "invalid_grant", false},
		{"no verifier", drop("code_verifier"), 400, "invalid_grant", false},
		{"no grant type", drop("grant_type"), 400, "invalid_request", false},
		{"device code that is none", set("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), 400, "invalid_grant", false},
		{"two authentications", func(w *world, _ url.Values) []string {
			r, _ := http.NewRequest("GET", "/", nil)
			r.SetBasicAuth(w.confidential.ID, w.confidential.Secret)
			return []string{"Authorization", r.Header.Get("Authorization")}
		}, 400, "invalid_request", false},
		{"too late", func(w *world, _ url.Values) []string {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.now = func() time.Time { return time.Now().Add(codeLifetime) }
			return nil
		}, 400, "invalid_grant", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, Options{})
			code, verifier := w.code(w.confidential)
			form := w.codeForm(w.confidential, code, verifier)
			headers := c.change(w, form)
			r := w.post("/oauth/token", form, headers...)
			w.want(r, c.status, c.code)
			if (r.header.Get("WWW-Authenticate") != "") != (c.status == 401) {
				t.Errorf("WWW-Authenticate %q", r.header.Get("WWW-Authenticate"))
			}
			again := w.post("/oauth/token", w.codeForm(w.confidential, code, verifier))
			if (again.status == 200) == c.burns {
				t.Errorf("the code afterwards: %s", again.body)
			}
		})
	}
}

func TestTokenWantsAFormBodyAlone(t *testing.T) {
	w := start(t, Options{})
	code, verifier := w.code(w.public)
	form := w.codeForm(w.public, code, verifier)
	w.want(w.post("/oauth/token?"+form.Encode(), nil), 400, "invalid_request")
	w.want(w.do("POST", "/oauth/token", form.Encode()), 400, "invalid_request")
	w.want(w.do("GET", "/oauth/token", ""), 404, "")
	w.want(w.post("/oauth/token", form), 200, "")
}

func TestCodeIsGoodOnce(t *testing.T) {
	w := start(t, Options{})
	code, verifier := w.code(w.public)
	first := w.post("/oauth/token", w.codeForm(w.public, code, verifier))
	w.want(first, 200, "")
	w.want(w.post("/oauth/token", w.codeForm(w.public, code, verifier)), 400, "invalid_grant")
	w.want(w.get("/api/v4/user", first.text("access_token")), 200, "")
}

func TestPlainChallengeAndNone(t *testing.T) {
	w := start(t, Options{})
	code, _ := w.code(w.public, "code_challenge", "plain-challenge", "code_challenge_method", "plain")
	w.want(w.post("/oauth/token", w.codeForm(w.public, code, "other-challenge")), 400, "invalid_grant")
	w.want(w.post("/oauth/token", w.codeForm(w.public, code, "plain-challenge")), 200, "")
	code, verifier := w.code(w.public, "code_challenge", "", "code_challenge_method", "")
	w.want(w.post("/oauth/token", w.codeForm(w.public, code, verifier)), 400, "invalid_grant")
	w.want(w.post("/oauth/token", w.codeForm(w.public, code, "")), 200, "")
}

func TestOldVersionsDoWithoutPKCE(t *testing.T) {
	const registered = "http://localhost:7171/callback" // before 13.9 the port has to be right
	for _, c := range []struct {
		version                string
		right, wrong, none     int // the status for a verifier that is right, wrong or not there
		refusal, wrongVerifier string
	}{
		{"11.0.0", 200, 200, 200, "", ""},
		{"12.7.9", 200, 200, 200, "", ""},
		{"12.8.0", 401, 401, 200, "invalid_request", "invalid_request"},
		{"13.7.9", 401, 401, 200, "invalid_request", "invalid_request"},
		{"13.8.0", 200, 401, 401, "", "invalid_grant"},
		{"13.9.0", 200, 400, 400, "", "invalid_grant"},
	} {
		w := start(t, Options{Version: c.version})
		redeem := func(change func(verifier string) string) reply {
			code, verifier := w.code(w.confidential, "redirect_uri", registered)
			form := w.codeForm(w.confidential, code, change(verifier))
			form.Set("redirect_uri", registered)
			return w.post("/oauth/token", form)
		}
		w.want(redeem(func(verifier string) string { return verifier }), c.right, c.refusal)
		w.want(redeem(func(string) string { return "another" }), c.wrong, c.wrongVerifier)
		if r := redeem(func(string) string { return "" }); r.status != c.none {
			t.Errorf("%s without a verifier: status %d, want %d", c.version, r.status, c.none)
		}
	}
}

func TestTokensDoNotExpireBefore15(t *testing.T) {
	for version, expires := range map[string]bool{"14.10.5": false, "15.0.0": true} {
		w := start(t, Options{Version: version})
		code, verifier := w.code(w.confidential)
		r := w.post("/oauth/token", w.codeForm(w.confidential, code, verifier))
		if _, told := r.json["expires_in"]; told != expires || r.text("refresh_token") == "" {
			t.Errorf("%s: %d, expires_in is there: %t, a refresh token: %t", version, r.status, told, r.text("refresh_token") != "")
		}
	}
}

func TestRefresh(t *testing.T) {
	w := start(t, Options{})
	old := w.Issue("sam", w.confidential.ID, "api", "read_user")
	form := w.refreshForm(w.confidential, old.RefreshToken)

	w.want(w.post("/oauth/token", w.refreshForm(w.public, old.RefreshToken)), 400, "invalid_grant")
	w.want(w.post("/oauth/token", w.refreshForm(w.confidential, "")), 400, "invalid_request")
	w.want(w.post("/oauth/token", w.refreshForm(w.confidential, "unknown-token")), 400, "invalid_grant")
	wrong := w.refreshForm(w.confidential, old.RefreshToken)
	wrong.Set("client_secret", "wrong-secret")
	w.want(w.post("/oauth/token", wrong), 401, "invalid_client")
	wider := w.refreshForm(w.confidential, old.RefreshToken)
	wider.Set("scope", "api sudo")
	w.want(w.post("/oauth/token", wider), 400, "invalid_scope")

	next := w.post("/oauth/token", form)
	w.want(next, 200, "")
	if next.text("scope") != "api read_user" {
		t.Errorf("scope %q", next.text("scope"))
	}
	w.want(w.get("/api/v4/user", old.AccessToken), 401, "invalid_token")
	w.clean()
	w.want(w.post("/oauth/token", form), 400, "invalid_grant") // and the family lives on:
	w.want(w.get("/api/v4/user", next.text("access_token")), 200, "")
	w.want(w.post("/oauth/token", w.refreshForm(w.confidential, next.text("refresh_token"))), 200, "")
}

func TestSimultaneousRefreshes(t *testing.T) {
	w := start(t, Options{})
	form := w.refreshForm(w.public, w.Issue("sam", w.public.ID).RefreshToken).Encode()
	const n = 8
	replies := make([]reply, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			replies[i], _ = w.request("POST", "/oauth/token", form, "Content-Type", "application/x-www-form-urlencoded")
		})
	}
	all.Wait()
	won := 0
	for _, r := range replies {
		switch {
		case r.status == 200:
			won++
		case r.status != 400 || r.text("error") != "invalid_grant":
			t.Errorf("got %d %s", r.status, r.body)
		}
	}
	if won != 1 {
		t.Errorf("%d refreshes won", won)
	}
	if len(w.Violations()) == 0 {
		t.Error("nobody minds")
	}
}

func TestRevoke(t *testing.T) {
	w := start(t, Options{})
	pair := w.Issue("sam", w.confidential.ID)
	w.want(w.post("/oauth/revoke", w.revokeForm(w.public, pair.AccessToken)), 403, "unauthorized_client")
	w.want(w.post("/oauth/revoke", url.Values{"token": {pair.AccessToken}}), 403, "unauthorized_client")
	noSecret := url.Values{"token": {pair.AccessToken}, "client_id": {w.confidential.ID}}
	w.want(w.post("/oauth/revoke", noSecret), 403, "unauthorized_client")
	w.want(w.get("/api/v4/user", pair.AccessToken), 200, "")
	if r := w.post("/oauth/revoke", w.revokeForm(w.confidential, "unknown-token")); r.status != 200 || r.body != "{}" {
		t.Errorf("unknown token: %d %s", r.status, r.body)
	}

	w.want(w.post("/oauth/revoke", w.revokeForm(w.confidential, pair.RefreshToken)), 200, "")
	w.want(w.get("/api/v4/user", pair.AccessToken), 401, "invalid_token")
	w.want(w.post("/oauth/token", w.refreshForm(w.confidential, pair.RefreshToken)), 400, "invalid_grant")

	pair = w.Issue("sam", w.confidential.ID)
	w.ExpireTokens("sam")
	w.want(w.post("/oauth/revoke", w.revokeForm(w.confidential, pair.RefreshToken)), 200, "")
	w.want(w.post("/oauth/token", w.refreshForm(w.confidential, pair.RefreshToken)), 200, "")
}
