package providertest

import (
	"net/http"
	"slices"
	"time"
)

// AddPersonalAccessToken makes a personal access token for the user, which does
// not expire; without scopes it has "api". It panics where the user does not exist.
func (g *GitLab) AddPersonalAccessToken(username string, scopes ...string) string {
	return g.AddPersonalAccessTokenUntil(username, time.Time{}, scopes...)
}

// AddPersonalAccessTokenUntil makes a personal access token that ends when a day
// begins, in UTC.
func (g *GitLab) AddPersonalAccessTokenUntil(username string, day time.Time, scopes ...string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(scopes) == 0 {
		scopes = []string{"api"}
	}
	if !day.IsZero() {
		day = day.UTC().Truncate(24 * time.Hour)
	}
	t := &token{
		id:      g.nextID(),
		access:  g.mint(kindPersonalToken),
		user:    g.mustUser(username),
		scopes:  slices.Clone(scopes),
		created: g.now(),
		expires: day,
	}
	g.access[t.access] = t
	g.tokens = append(g.tokens, t)
	return t.access
}

// RevokePersonalAccessToken is the user who presses "Revoke" on GitLab's page of
// access tokens.
func (g *GitLab) RevokePersonalAccessToken(secret string) {
	g.withPersonalToken(secret, func(t *token) { t.revoked = true })
}

// ExpirePersonalAccessToken lets a personal access token end now.
func (g *GitLab) ExpirePersonalAccessToken(secret string) {
	g.withPersonalToken(secret, func(t *token) { t.expires = g.now() })
}

// withPersonalToken panics where there is no such token.
func (g *GitLab) withPersonalToken(secret string, do func(*token)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.access[secret]
	if t == nil || t.app != nil {
		panic("providertest: no such personal access token")
	}
	do(t)
}

// showSelf is GET /personal_access_tokens/self, of GitLab 15.5.
func (x *exchange) showSelf() {
	if t := x.self(15, 5); t != nil {
		var ends any
		if !t.expires.IsZero() {
			ends = t.expires.Format(time.DateOnly)
		}
		x.json(http.StatusOK, map[string]any{
			"id": t.id, "name": "personal access token", "description": nil, "user_id": t.user.ID,
			"scopes": t.scopes, "active": true, "revoked": false,
			"created_at": timestamp(t.created), "last_used_at": timestamp(x.g.now()), "expires_at": ends,
		})
	}
}

// deleteSelf is DELETE /personal_access_tokens/self, of GitLab 15.0: a personal
// access token revokes itself.
func (x *exchange) deleteSelf() {
	if t := x.self(15, 0); t != nil {
		t.revoked = true
		x.body(http.StatusNoContent, "application/json", "")
	}
}

// self is the personal access token of the request.
func (x *exchange) self(major, minor int) *token {
	if !x.g.since(major, minor) {
		x.noRoute()
		return nil
	}
	t := x.caller()
	if t != nil && t.app != nil {
		x.message(http.StatusBadRequest, "400 Bad request - Only a personal access token has an answer here")
		return nil
	}
	return t
}
