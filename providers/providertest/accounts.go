package providertest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A token is a row of Doorkeeper's table, where an access token and its refresh
// token live together and die together; or a personal access token, which has
// no application and no refresh token.
type token struct {
	id      int64
	access  string
	refresh string
	user    *User
	app     *Application
	scopes  []string
	created time.Time
	expires time.Time // zero: never
	revoked bool
	// told: an answer has let the client know that the refresh token is dead.
	told bool
}

func (t *token) expired(now time.Time) bool { return !t.expires.IsZero() && !now.Before(t.expires) }

// accessible is Doorkeeper's word for a token that is neither revoked nor
// expired.
func (t *token) accessible(now time.Time) bool { return !t.revoked && !t.expired(now) }

func (g *GitLab) nextID() int64 {
	g.lastID++
	return g.lastID
}

// AddUser adds a person. What is empty is filled in: the ID (from 1), the name,
// the e-mail address and the password, which is "glfake-pw-" and the username.
// A username that exists is replaced, and keeps its ID and its tokens: so a user
// is blocked.
func (g *GitLab) AddUser(u User) User {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.users[u.Username]
	if u.ID == 0 && old != nil {
		u.ID = old.ID
	}
	if u.ID == 0 {
		for _, other := range g.users {
			u.ID = max(u.ID, other.ID)
		}
		u.ID++
	}
	if u.Name == "" && u.Username != "" {
		u.Name = strings.ToUpper(u.Username[:1]) + u.Username[1:]
	}
	if u.Email == "" {
		u.Email = u.Username + "@example.com"
	}
	if u.Password == "" {
		u.Password = SecretPrefix + kindPassword + "-" + u.Username
	}
	if old == nil {
		old = new(User)
		g.users[u.Username] = old
	}
	*old = u
	return u
}

// AddApplication registers an application. An empty ID becomes 64 hexadecimal
// digits as GitLab's are, an empty secret is made, and no scopes means "api". An
// ID that exists is replaced.
func (g *GitLab) AddApplication(a Application) Application {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.ID == "" {
		var id [32]byte
		rand.Read(id[:])
		a.ID = hex.EncodeToString(id[:])
	}
	if a.Secret == "" {
		a.Secret = g.mint(kindClientSecret)
	}
	g.learn(a.Secret)
	if a.Name == "" {
		a.Name = "Application " + a.ID[:min(8, len(a.ID))]
	}
	if len(a.Scopes) == 0 {
		a.Scopes = []string{"api"}
	}
	a.Scopes = slices.Clone(a.Scopes)
	a.RedirectURIs = slices.Clone(a.RedirectURIs)
	if g.apps[a.ID] == nil {
		g.apps[a.ID] = new(Application)
	}
	*g.apps[a.ID] = a
	return a
}

// RenewSecret is the button "Renew secret" of GitLab 15.9: the old secret is
// refused from now on, and the new one is returned.
func (g *GitLab) RenewSecret(applicationID string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	app := g.mustApplication(applicationID)
	app.Secret = g.mint(kindClientSecret)
	return app.Secret
}

// Issue gives tokens as if the user had just approved. Without scopes it gives
// the default scope, which is the application's first. It panics where the user
// or the application does not exist.
func (g *GitLab) Issue(username, applicationID string, scopes ...string) Tokens {
	g.mu.Lock()
	defer g.mu.Unlock()
	app := g.mustApplication(applicationID)
	if len(scopes) == 0 {
		scopes = app.Scopes[:1]
	}
	t := g.issue(g.mustUser(username), app, scopes)
	return Tokens{
		AccessToken: t.access, RefreshToken: t.refresh,
		ExpiresAt: t.expires, Scopes: slices.Clone(t.scopes),
	}
}

// issue makes an access token and its refresh token.
func (g *GitLab) issue(user *User, app *Application, scopes []string) *token {
	t := &token{
		id:      g.nextID(),
		access:  g.mint(kindAccessToken),
		refresh: g.mint(kindRefreshToken),
		user:    user,
		app:     app,
		scopes:  slices.Clone(scopes),
		created: g.now(),
	}
	lifetime := g.tokenLifetime
	if lifetime == 0 && g.since(15, 0) {
		lifetime = 2 * time.Hour
	}
	if lifetime > 0 {
		t.expires = t.created.Add(lifetime)
	}
	g.access[t.access], g.refresh[t.refresh] = t, t
	g.tokens = append(g.tokens, t)
	return t
}

// ExpireTokens lets the access tokens of the user end now. Their refresh tokens
// live on, as they do when two hours have passed.
func (g *GitLab) ExpireTokens(username string) {
	g.eachToken(username, func(t *token) { t.expires = g.now() })
}

// RevokeTokens is the user who presses "Revoke" on GitLab's page of authorized
// applications: access and refresh tokens are dead. Personal access tokens stay.
func (g *GitLab) RevokeTokens(username string) {
	g.eachToken(username, func(t *token) { t.revoked = true })
}

// eachToken goes through the OAuth tokens of the user.
func (g *GitLab) eachToken(username string, do func(*token)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	user := g.mustUser(username)
	for _, t := range g.tokens {
		if t.user == user && t.app != nil {
			do(t)
		}
	}
}

func (g *GitLab) mustUser(username string) *User {
	if u := g.users[username]; u != nil {
		return u
	}
	panic(fmt.Sprintf("providertest: no user %q was added", username))
}

func (g *GitLab) mustApplication(id string) *Application {
	if a := g.apps[id]; a != nil {
		return a
	}
	panic(fmt.Sprintf("providertest: no application %q was added", id))
}
