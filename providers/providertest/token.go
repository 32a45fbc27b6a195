package providertest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// token is POST /oauth/token. The parameters count from a form body only, and
// the query must be empty, as newer Doorkeepers want it.
func (x *exchange) token() {
	grantType := x.form.Get("grant_type")
	switch {
	case x.r.URL.RawQuery != "":
		x.oauthFailure(http.StatusBadRequest, "invalid_request", "Parameters belong in the body, none in the query.")
	case x.credentials().twice:
		x.oauthFailure(http.StatusBadRequest, "invalid_request", "The client authenticates in two ways at once.")
	case grantType == "":
		x.oauthFailure(http.StatusBadRequest, "invalid_request", "The parameter grant_type is missing.")
	case grantType == "authorization_code":
		x.redeem()
	case grantType == "refresh_token":
		x.renewToken()
	case grantType == deviceGrantType && x.g.since(17, 2):
		x.redeemDevice()
	default:
		x.oauthFailure(http.StatusBadRequest, "unsupported_grant_type", "This grant type is not served here.")
	}
}

func (x *exchange) invalidClient() {
	x.oauthFailure(http.StatusUnauthorized, "invalid_client",
		"The client is unknown, or its authentication is missing or wrong.")
}

func (x *exchange) invalidGrant() {
	x.oauthFailure(http.StatusBadRequest, "invalid_grant",
		"The grant is unknown, expired, revoked, of another client or of another redirect URI.")
}

// redeem exchanges a code (RFC 6749, section 4.1.3). A wrong verifier leaves the
// code usable. A code that comes again is refused, and the tokens that it gave
// stay alive.
func (x *exchange) redeem() {
	app := x.g.client(x.credentials())
	if app == nil {
		x.invalidClient()
		return
	}
	if x.form.Get("redirect_uri") == "" {
		x.oauthFailure(http.StatusBadRequest, "invalid_request", "The parameter redirect_uri is missing.")
		return
	}
	gr := x.g.grants[x.form.Get("code")]
	if gr != nil && x.g.refusesVerifiers() && x.form.Get("code_verifier") != "" {
		x.oauthFailure(http.StatusBadRequest, "invalid_request", "The request has a parameter that is not supported.")
		return
	}
	switch {
	case gr == nil, gr.used, gr.app != app, !x.g.now().Before(gr.expires),
		gr.redirectURI != x.form.Get("redirect_uri"),
		x.g.since(13, 8) && !gr.verify(x.form.Get("code_verifier")):
		x.invalidGrant()
		return
	}
	gr.used = true
	x.grantTokens(x.g.issue(gr.user, app, gr.scopes))
}

// refusesVerifiers: from 12.8 on GitLab had a Doorkeeper that knows PKCE, but
// nothing to keep a code challenge in until 13.8. It takes no code verifier then.
func (g *GitLab) refusesVerifiers() bool { return g.since(12, 8) && !g.since(13, 8) }

// verify checks the code verifier (RFC 7636, section 4.6). One that belongs to
// no challenge is wrong too.
func (a authorization) verify(verifier string) bool {
	switch {
	case a.challenge == "" || verifier == "":
		return a.challenge == verifier
	case a.method == "plain":
		return a.challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	return a.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
}

// renewToken rotates a refresh token (RFC 6749, section 6). The old access token
// and the old refresh token are dead at once. An old one that comes again is
// refused, and the newer ones stay alive. As in Doorkeeper the token is looked
// at before the client is.
func (x *exchange) renewToken() {
	secret := x.form.Get("refresh_token")
	if secret == "" {
		x.oauthFailure(http.StatusBadRequest, "invalid_request", "The parameter refresh_token is missing.")
		return
	}
	old := x.g.refresh[secret]
	if old == nil || old.revoked {
		if old != nil {
			x.spent = append(x.spent, old)
		}
		x.invalidGrant()
		return
	}
	app := x.g.client(x.credentials())
	scopes := strings.Fields(x.form.Get("scope"))
	beyond := func(s string) bool { return !slices.Contains(old.scopes, s) }
	switch {
	case app == nil:
		x.invalidClient()
		return
	case app != old.app:
		x.invalidGrant()
		return
	case slices.ContainsFunc(scopes, beyond):
		x.oauthFailure(http.StatusBadRequest, "invalid_scope", "The scopes go beyond those of the token.")
		return
	case len(scopes) == 0:
		scopes = old.scopes
	}
	old.revoked = true
	x.spent = append(x.spent, old)
	x.grantTokens(x.g.issue(old.user, app, scopes))
}

// grantTokens is the successful answer (RFC 6749, section 5.1).
func (x *exchange) grantTokens(t *token) {
	answer := map[string]any{
		"access_token":  t.access,
		"token_type":    "Bearer",
		"refresh_token": t.refresh,
		"scope":         strings.Join(t.scopes, " "),
		"created_at":    t.created.Unix(),
	}
	if !t.expires.IsZero() {
		answer["expires_in"] = int64(t.expires.Sub(t.created).Seconds())
	}
	x.json(http.StatusOK, answer)
	x.header().Set("Cache-Control", "no-store")
	x.header().Set("Pragma", "no-cache")
}
