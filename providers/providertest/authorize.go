package providertest

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// codeLifetime is how long an authorization code lives at GitLab.
const codeLifetime = 10 * time.Minute

// A grant is an authorization code and what it was given for.
type grant struct {
	authorization
	user    *User
	expires time.Time
	used    bool
}

// An authorization is a checked authorization request (RFC 6749, section 4.1.1,
// RFC 7636, section 4.3).
type authorization struct {
	app         *Application
	redirectURI string
	state       string
	scopes      []string
	challenge   string
	method      string // S256 or plain; "" without a challenge
}

// oauthError is an error of RFC 6749.
type oauthError struct {
	code, description string
	mayRedirect       bool // the redirect URI is known to be the client's
}

// preAuthorize checks an authorization request in Doorkeeper's order.
func (g *GitLab) preAuthorize(q url.Values) (authorization, *oauthError) {
	a := authorization{
		app:         g.apps[q.Get("client_id")],
		redirectURI: q.Get("redirect_uri"),
		state:       q.Get("state"),
	}
	if g.since(13, 8) { // older ones have no place to keep it
		a.challenge, a.method = q.Get("code_challenge"), q.Get("code_challenge_method")
	}
	if a.app == nil {
		return a, &oauthError{"invalid_client", "No application is registered under this ID.", false}
	}
	registered := func(uri string) bool { return g.sameRedirect(uri, a.redirectURI) }
	if !slices.ContainsFunc(a.app.RedirectURIs, registered) {
		return a, &oauthError{"invalid_redirect_uri", "This redirect URI is not registered for the application.", false}
	}
	if q.Get("response_type") != "code" {
		return a, &oauthError{"unsupported_response_type", "Only the response type code is served here.", true}
	}
	a.scopes = strings.Fields(q.Get("scope"))
	if len(a.scopes) == 0 {
		a.scopes = a.app.Scopes[:1]
	}
	for _, scope := range a.scopes {
		if !slices.Contains(a.app.Scopes, scope) {
			return a, &oauthError{"invalid_scope", "A requested scope is unknown, or the application does not have it.", true}
		}
	}
	switch {
	case a.challenge == "":
		a.method = ""
	case a.method != "S256" && a.method != "plain":
		return a, &oauthError{"invalid_code_challenge_method", "The code challenge method must be S256 or plain.", true}
	}
	return a, nil
}

// sameRedirect compares a registered redirect URI with a requested one. They
// are equal, but for the port where both name a loopback address by its number
// (RFC 8252, section 7.3), as far as this GitLab knows of that.
func (g *GitLab) sameRedirect(registered, requested string) bool {
	if requested == "" || registered == requested {
		return requested != ""
	}
	if !g.since(13, 9) {
		return false
	}
	a, errA := url.Parse(registered)
	b, errB := url.Parse(requested)
	if errA != nil || errB != nil || a.Scheme != "http" || b.Scheme != "http" {
		return false
	}
	ip, err := netip.ParseAddr(a.Hostname())
	if err != nil || !ip.IsLoopback() || a.Hostname() != b.Hostname() {
		return false
	}
	a.Host, b.Host = "", ""
	return a.String() == b.String()
}

// consentView fills the consent form.
type consentView struct {
	Root, Token, App, User string
	RedirectHost           string
	Scopes                 []string
	Params                 [][2]string
}

// authorizePage is GET /oauth/authorize.
func (x *exchange) authorizePage() {
	s := x.session()
	x.g.inspectAuthorize(x, s)
	if !x.knows(s) {
		return
	}
	a, problem := x.g.preAuthorize(x.query)
	switch {
	case problem != nil:
		x.refuse(a, problem)
	case a.app.Trusted || a.app.Confidential && x.g.approvedBefore(s.user, a):
		x.page(http.StatusOK, "redirect", redirectView(x.g.approve(x, s, a)))
	default:
		x.consentPage(s, a)
	}
}

func (x *exchange) consentPage(s *session, a authorization) {
	target, _ := url.Parse(a.redirectURI)
	view := consentView{
		Root: x.g.root, Token: s.csrf, App: a.app.Name, User: s.user.Username, Scopes: a.scopes,
		RedirectHost: target.Scheme + "://" + target.Host,
	}
	for _, name := range []string{
		"client_id", "redirect_uri", "state", "response_type", "scope", "code_challenge", "code_challenge_method",
	} {
		view.Params = append(view.Params, [2]string{name, x.query.Get(name)})
	}
	x.page(http.StatusOK, "consent", view)
}

// decide is POST /oauth/authorize: one of the two buttons was pressed. Denying
// is a DELETE, which a form sends as Rails wants it.
func (x *exchange) decide() {
	s := x.session()
	if !x.knows(s) || !x.genuine(s) {
		return
	}
	a, problem := x.g.preAuthorize(x.form)
	if problem != nil {
		x.refuse(a, problem)
		return
	}
	if x.form.Get("_method") == "delete" {
		x.g.signInEnded(s, a)
		x.redirect(http.StatusFound, a.back(
			"error", "access_denied", "error_description", "The user did not allow the request.", "state", a.state))
		return
	}
	x.redirect(http.StatusFound, x.g.approve(x, s, a))
}

// refuse shows an error, or sends it back where newer Doorkeepers do.
func (x *exchange) refuse(a authorization, e *oauthError) {
	if e.mayRedirect && x.g.redirectErrors {
		x.redirect(http.StatusFound, a.back(
			"error", e.code, "error_description", e.description, "state", a.state))
		return
	}
	x.problem(http.StatusOK, "An error has occurred", e.description)
}

// approve makes a code and returns the URL that takes it to the client.
func (g *GitLab) approve(x *exchange, s *session, a authorization) string {
	code := g.mint(kindCode)
	g.grants[code] = &grant{authorization: a, user: s.user, expires: g.now().Add(codeLifetime)}
	g.signInEnded(s, a)
	return a.back("code", code, "state", a.state)
}

// back adds parameters to the redirect URI, without the empty ones.
func (a authorization) back(pairs ...string) string {
	target, _ := url.Parse(a.redirectURI)
	query := target.RawQuery
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if query != "" {
			query += "&"
		}
		query += pairs[i] + "=" + url.QueryEscape(pairs[i+1])
	}
	target.RawQuery = query
	return target.String()
}

// approvedBefore reports whether the user has a live token of the application
// for the same scopes.
func (g *GitLab) approvedBefore(user *User, a authorization) bool {
	want := sortedScopes(a.scopes)
	return slices.ContainsFunc(g.tokens, func(t *token) bool {
		return t.user == user && t.app == a.app && t.accessible(g.now()) && slices.Equal(sortedScopes(t.scopes), want)
	})
}

func sortedScopes(scopes []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(scopes)))
}
