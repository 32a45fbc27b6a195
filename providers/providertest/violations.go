package providertest

import (
	"fmt"
	"slices"
)

// minState is the shortest state that passes for unguessable.
const minState = 20

// inspector collects what clients do that a careful client does not.
type inspector struct {
	violations []string
	authorized map[string]bool        // the queries at authorize, as they were sent
	states     map[string]*attempt    // by state
	challenges map[string]*attempt    // by code challenge
	flights    map[string][]*exchange // requests in flight, by refresh token
}

// An attempt is one sign-in, from the authorize request on.
type attempt struct {
	query   string
	browser string
	ended   bool // with a code or a denial
}

func newInspector() inspector {
	return inspector{
		authorized: map[string]bool{},
		states:     map[string]*attempt{},
		challenges: map[string]*attempt{},
		flights:    map[string][]*exchange{},
	}
}

// Violations lists what clients did that a careful client does not, oldest
// first. Each names the endpoint and none holds a secret. Looked for are:
//
//   - secrets in a URL, and tokens sent to an endpoint that takes none;
//   - an OAuth token and a personal access token in one request;
//   - authorize without PKCE by S256 (RFC 9700, section 2.1.1), without a state
//     or with a short one, or with a state or challenge of an earlier sign-in
//     (the same URL, opened again, is no new sign-in until that one has ended;
//     in the same browser, never);
//   - client credentials by Basic authentication, or in two places at once
//     (RFC 6749, section 2.3), and a secret sent by a public client;
//   - another redirect URI at token than at authorize (RFC 6749, 4.1.3);
//   - a refresh token sent again: while an earlier request with it is answered,
//     or after an answer said that it is dead. One whose answer was lost may be
//     tried once more;
//   - a device that polls as fast as before although it was told to slow down
//     (RFC 8628, section 3.5).
func (g *GitLab) Violations() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.violations)
}

func (g *GitLab) violation(x *exchange, format string, args ...any) {
	name := string(x.endpoint)
	if name == "" {
		name = "web"
	}
	g.violations = append(g.violations, name+": "+fmt.Sprintf(format, args...))
}

// inspect looks at a request that has arrived, before anything is done with it.
func (g *GitLab) inspect(x *exchange) {
	g.inspectURL(x)
	bearer, private := x.bearer(), x.r.Header.Get("PRIVATE-TOKEN")
	g.learn(bearer)
	g.learn(private)
	if bearer != "" && private != "" {
		g.violation(x, "an Authorization and a PRIVATE-TOKEN header in one request")
	}
	takesToken := x.api || x.endpoint == EndpointTokenInfo || x.endpoint == EndpointUserinfo
	if !takesToken && (bearer != "" || private != "") {
		g.violation(x, "a token was sent to an endpoint that takes none")
	}
	if x.endpoint == EndpointToken || x.endpoint == EndpointRevoke || x.endpoint == EndpointDevice {
		for _, name := range secretFields {
			g.learn(x.form.Get(name))
		}
		g.inspectClient(x)
	}
	if x.endpoint == EndpointToken {
		g.inspectGrant(x)
	}
}

func (g *GitLab) inspectURL(x *exchange) {
	for _, name := range sortedKeys(x.query) {
		for _, value := range x.query[name] {
			if value != "" && slices.Contains(secretFields, name) || g.secretIn(value) {
				g.learn(value)
				if g.secretIn(name) {
					name = "a name"
				}
				g.violation(x, "a secret in the query: %s", name)
			}
		}
	}
	if g.secretIn(x.r.URL.Path) {
		g.violation(x, "a secret in the path")
	}
}

func (g *GitLab) inspectClient(x *exchange) {
	c := x.credentials()
	g.learn(c.secret)
	if c.basic {
		g.violation(x, "client credentials by Basic authentication")
	}
	if c.twice {
		g.violation(x, "client credentials in the Authorization header and in the body")
	}
	if app := g.apps[c.id]; app != nil && !app.Confidential && c.secret != "" {
		g.violation(x, "a public client sent a secret")
	}
}

func (g *GitLab) inspectGrant(x *exchange) {
	if gr := g.grants[x.form.Get("code")]; gr != nil && gr.redirectURI != x.form.Get("redirect_uri") {
		g.violation(x, "the redirect URI differs from the one at authorize")
	}
	secret := x.form.Get("refresh_token")
	if secret == "" {
		return
	}
	if t := g.refresh[secret]; t != nil && t.told {
		g.violation(x, "refresh token reused")
	}
	if flying := g.flights[secret]; len(flying) > 0 {
		flying[0].doubts++
	}
	g.flights[secret] = append(g.flights[secret], x)
}

// landed ends what inspectGrant began. Only a request that was answered makes
// the ones beside it a mistake: after a lost one the client had to ask again.
func (g *GitLab) landed(x *exchange, answered bool) {
	if answered {
		for _, t := range x.spent {
			t.told = true
		}
		for range x.doubts {
			g.violation(x, "refresh token reused while a request with it was in flight")
		}
	}
	secret := x.form.Get("refresh_token")
	flying := slices.DeleteFunc(g.flights[secret], func(other *exchange) bool { return other == x })
	if g.flights[secret] = flying; len(flying) == 0 {
		delete(g.flights, secret)
	}
}

// inspectAuthorize looks at an authorize request of a browser.
func (g *GitLab) inspectAuthorize(x *exchange, s *session) {
	raw := x.r.URL.RawQuery
	state, challenge := x.query.Get("state"), x.query.Get("code_challenge")
	g.fresh(x, s, "state", g.states, state)
	g.fresh(x, s, "code challenge", g.challenges, challenge)
	if g.authorized[raw] {
		return
	}
	g.authorized[raw] = true
	switch method := x.query.Get("code_challenge_method"); {
	case challenge == "":
		g.violation(x, "no PKCE code challenge")
	case method != "S256":
		g.violation(x, "the PKCE method is not S256")
	}
	switch {
	case state == "":
		g.violation(x, "no state")
	case len(state) < minState:
		g.violation(x, "the state is shorter than %d characters", minState)
	}
}

// fresh checks that a value belongs to this sign-in and no other.
func (g *GitLab) fresh(x *exchange, s *session, what string, attempts map[string]*attempt, value string) {
	if value == "" {
		return
	}
	raw := x.r.URL.RawQuery
	earlier := attempts[value]
	if earlier == nil {
		attempts[value] = &attempt{query: raw, browser: s.browser}
		return
	}
	if earlier.query != raw || earlier.ended && earlier.browser != s.browser {
		g.violation(x, "the %s of an earlier sign-in", what)
	}
}

// signInEnded notes that the client was sent an answer with this state, by this
// browser.
func (g *GitLab) signInEnded(s *session, a authorization) {
	for _, attempt := range []*attempt{g.states[a.state], g.challenges[a.challenge]} {
		if attempt != nil {
			attempt.ended, attempt.browser = true, s.browser
		}
	}
}
