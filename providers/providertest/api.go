package providertest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The scopes that GitLab knows for these endpoints.
const (
	scopeAPI      = "api"
	scopeReadAPI  = "read_api"
	scopeReadUser = "read_user"
)

// credential finds the token of an API request: an OAuth or a personal access
// token as a Bearer token, or a personal one in PRIVATE-TOKEN.
func (x *exchange) credential() *token {
	if private := x.r.Header.Get("PRIVATE-TOKEN"); private != "" {
		if t := x.g.access[private]; t != nil && t.app == nil {
			return t
		}
		return nil
	}
	return x.g.access[x.bearer()]
}

// caller is the token of the request if it may do it; where it may not, caller
// answers and returns nil. Without scopes, any token may.
func (x *exchange) caller(scopes ...string) *token {
	t := x.credential()
	switch {
	case t == nil:
		x.message(http.StatusUnauthorized, "401 Unauthorized")
	case t.expired(x.g.now()):
		x.invalidToken("Token is expired. You can either do re-authorization or token refresh.")
	case t.revoked:
		x.invalidToken("Token was revoked. You have to re-authorize from the user.")
	case len(scopes) > 0 && !slices.ContainsFunc(t.scopes, func(s string) bool { return slices.Contains(scopes, s) }):
		x.insufficientScope(scopes...)
	case t.user.Blocked:
		x.message(http.StatusForbidden, "403 Forbidden - Your account has been blocked.")
	default:
		return t
	}
	return nil
}

// reader is a caller that reads, writer one that may change things too.
func (x *exchange) reader() *token { return x.caller(scopeAPI, scopeReadAPI) }
func (x *exchange) writer() *token { return x.caller(scopeAPI) }

// invalidToken is RFC 6750's error, with GitLab's words.
func (x *exchange) invalidToken(description string) {
	x.json(http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": description})
	x.header().Set("WWW-Authenticate", fmt.Sprintf(
		`Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="%s"`, description))
}

// insufficientScope is RFC 6750's error; it names the scopes of which one would
// do. GitLab sends no WWW-Authenticate with it.
func (x *exchange) insufficientScope(scopes ...string) {
	x.json(http.StatusForbidden, map[string]string{
		"error":             "insufficient_scope",
		"error_description": "The token lacks a scope that this request needs.",
		"scope":             strings.Join(scopes, " "),
	})
}

// user is GET /user: the one endpoint that read_user opens.
func (x *exchange) user() {
	t := x.caller(scopeAPI, scopeReadAPI, scopeReadUser)
	if t == nil {
		return
	}
	u := x.g.person(t.user)
	u["email"], u["commit_email"], u["public_email"] = t.user.Email, t.user.Email, ""
	u["created_at"] = timestamp(epoch)
	u["bot"], u["two_factor_enabled"], u["external"] = strings.Contains(t.user.Username, "_bot"), false, false
	x.json(http.StatusOK, u)
}

// person is how GitLab shows a user inside other things.
func (g *GitLab) person(u *User) map[string]any {
	return map[string]any{
		"id":         u.ID,
		"username":   u.Username,
		"name":       u.Name,
		"state":      "active",
		"locked":     false,
		"avatar_url": nil,
		"web_url":    g.url + "/" + u.Username,
	}
}

// version is GET /version, of GitLab 8.13.
func (x *exchange) version() {
	if x.reader() != nil {
		x.json(http.StatusOK, map[string]string{"version": x.g.version, "revision": "0123456789a"})
	}
}

// metadata is GET /metadata, of GitLab 15.2.
func (x *exchange) metadata() {
	if !x.g.since(15, 2) {
		x.noRoute()
		return
	}
	if x.reader() != nil {
		x.json(http.StatusOK, map[string]any{
			"version": x.g.version, "revision": "0123456789a", "enterprise": false,
			"kas": map[string]any{"enabled": false, "externalUrl": nil, "version": nil},
		})
	}
}

// since reports whether this GitLab is of that version or newer.
func (g *GitLab) since(major, minor int) bool {
	parts := strings.SplitN(g.version, ".", 3)
	have := [2]int{}
	for i := range min(len(parts), 2) {
		have[i], _ = strconv.Atoi(parts[i])
	}
	return have[0] > major || have[0] == major && have[1] >= minor
}

// epoch is when all that is seeded was made.
var epoch = time.Date(2024, time.January, 2, 3, 4, 5, 0, time.UTC)

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
