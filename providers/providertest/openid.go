package providertest

import (
	"net/http"
	"slices"
	"strconv"
)

// tokenInfo is GET /oauth/token/info: Doorkeeper's account of the token that the
// request carries, with the two fields that GitLab keeps for old clients. Any
// token that is not alive is an invalid_request there.
func (x *exchange) tokenInfo() {
	t := x.g.access[x.bearer()]
	if t == nil || t.app == nil || !t.accessible(x.g.now()) {
		x.oauthFailure(http.StatusBadRequest, "invalid_request", "The request carries no token that is alive.")
		return
	}
	var left any // null where the token does not expire
	if !t.expires.IsZero() {
		left = int64(t.expires.Sub(x.g.now()).Seconds())
	}
	x.json(http.StatusOK, map[string]any{
		"resource_owner_id":  t.user.ID,
		"scope":              t.scopes,
		"scopes":             t.scopes,
		"expires_in":         left,
		"expires_in_seconds": left,
		"application":        map[string]string{"uid": t.app.ID},
		"created_at":         t.created.Unix(),
	})
}

// userinfo is OpenID Connect's endpoint of that name, for the scope openid.
func (x *exchange) userinfo() {
	t := x.g.access[x.bearer()]
	switch {
	case t == nil || t.app == nil || !t.accessible(x.g.now()):
		x.oauthFailure(http.StatusUnauthorized, "invalid_token", "The access token is unknown or dead.")
	case !slices.Contains(t.scopes, "openid"):
		x.insufficientScope("openid")
	default:
		x.json(http.StatusOK, map[string]any{
			"sub":                strconv.FormatInt(t.user.ID, 10),
			"name":               t.user.Name,
			"nickname":           t.user.Username,
			"preferred_username": t.user.Username,
			"email":              t.user.Email,
			"profile":            x.g.url + "/" + t.user.Username,
		})
	}
}

// discovery is OpenID Connect's list of endpoints. Like GitLab's it names no
// device endpoint.
func (x *exchange) discovery() {
	base := x.g.url
	config := map[string]any{
		"issuer":                                base,
		"authorization_endpoint":                base + "/oauth/authorize",
		"token_endpoint":                        base + "/oauth/token",
		"revocation_endpoint":                   base + "/oauth/revoke",
		"userinfo_endpoint":                     base + "/oauth/userinfo",
		"jwks_uri":                              base + "/oauth/discovery/keys",
		"scopes_supported":                      []string{"api", "read_api", "read_user", "openid", "profile", "email"},
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"claims_supported":                      []string{"iss", "sub", "name", "nickname", "email", "profile"},
	}
	if x.g.since(13, 8) {
		config["code_challenge_methods_supported"] = []string{"plain", "S256"}
	}
	x.json(http.StatusOK, config)
}

// keys is the empty set: no ID tokens are signed here.
func (x *exchange) keys() { x.json(http.StatusOK, map[string]any{"keys": []any{}}) }
