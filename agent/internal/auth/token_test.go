package auth_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

func TestATokenIsRefreshedBeforeItRunsOut(t *testing.T) {
	for name, c := range map[string]struct {
		life, age time.Duration
		want      int
	}{
		"new":                          {lifetime, 0, 0},
		"more than the margin is left": {lifetime, lifetime - 90*time.Second, 0},
		"less than the margin is left": {lifetime, lifetime - 30*time.Second, 1},
		"run out":                      {lifetime, 2 * lifetime, 1},
		"short, with half left":        {40 * time.Second, 10 * time.Second, 0},
		"short, with little left":      {40 * time.Second, 30 * time.Second, 1},
		"for ever":                     {-1, 100 * lifetime, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{options: providertest.Options{TokenLifetime: c.life}})
			before := w.signedIn(c.age, true)
			if err := w.currentUser(t.Context(), w.manager(nil)); err != nil {
				t.Fatal(err)
			}
			w.wantRefreshes(c.want)
			account, after, err := w.saved()
			if err != nil || (after.Access != before.Access) != (c.want > 0) || (after.Refresh != before.Refresh) != (c.want > 0) {
				t.Errorf("the tokens on disk are not those that GitLab issued last: %v", err)
			}
			if c.want > 0 && account.Serial != 2 {
				t.Errorf("the account's serial is %d, want 2", account.Serial)
			}
		})
	}
}

func TestTheClockOfTheWallDecides(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(0, true)
	var passed time.Duration
	m := w.manager(func(c *auth.Config) { c.Now = func() time.Time { return time.Now().Add(passed) } })
	for _, c := range []struct {
		passed time.Duration
		want   int
	}{{0, 0}, {lifetime - 5*time.Minute, 0}, {lifetime + time.Hour, 1}} {
		passed = c.passed
		if _, err := m.Token(t.Context(), w.key(), time.Minute); err != nil {
			t.Fatal(err)
		}
		w.wantRefreshes(c.want)
	}
}

func TestATokenLivesAsLongAsAskedOrIsAnError(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(time.Hour, true)
	m := w.manager(nil)
	access, err := m.Token(t.Context(), w.key(), 30*time.Minute)
	if err != nil || time.Until(access.Account.ExpiresAt) < 30*time.Minute {
		t.Errorf("the token lives until %v, %v", access.Account.ExpiresAt, err)
	}
	w.wantRefreshes(0)
	access, err = m.Token(t.Context(), w.key(), 90*time.Minute)
	if err != nil || time.Until(access.Account.ExpiresAt) < 90*time.Minute {
		t.Errorf("the token lives until %v, %v", access.Account.ExpiresAt, err)
	}
	w.wantRefreshes(1)
	if _, err = m.Token(t.Context(), w.key(), lifetime+time.Minute); !errors.Is(err, protocol.InvalidParams) {
		t.Errorf("a token that lives too long: %v, want InvalidParams", err)
	}
	w.wantRefreshes(1)
}

func TestWithoutARefreshTokenTheUserHasToSignIn(t *testing.T) {
	for reason, c := range map[string]struct {
		age    time.Duration
		before func(*world)
	}{
		auth.ReasonExpired: {2 * lifetime, func(*world) {}},
		auth.ReasonRevoked: {0, func(w *world) { w.ExpireTokens("sam") }},
	} {
		t.Run(reason, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.signedIn(c.age, false)
			c.before(w)
			m := w.manager(nil)
			for range 2 {
				wantSignIn(t, w.currentUser(t.Context(), m), reason)
			}
			w.wantRefreshes(0)
			account, tokens, err := w.saved()
			if account.Refused != reason || !tokens.Access.IsEmpty() {
				t.Errorf("on disk the account is refused for %q, %v; want %q and no tokens", account.Refused, err, reason)
			}
			if w.changes.Load() != 1 {
				t.Errorf("%d changes were told, want 1", w.changes.Load())
			}
		})
	}
}

func TestATokenThatIsStillGoodIsUsedWhileGitLabIsInTrouble(t *testing.T) {
	for name, fault := range map[string]providertest.Fault{
		"an error":         {Status: http.StatusBadGateway},
		"a page":           {HTML: true},
		"a rate limit":     {Status: http.StatusTooManyRequests},
		"no answer":        {DropBefore: true},
		"a renewed secret": {Status: http.StatusUnauthorized, Body: `{"error":"invalid_client"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			before := w.signedIn(lifetime-30*time.Second, true)
			w.SetFault(providertest.EndpointToken, fault)
			m := w.manager(nil)
			if err := w.currentUser(t.Context(), m); err != nil {
				t.Errorf("the token is good for 30 s, but: %v", err)
			}
			// Who needs more is told.
			if _, err := m.Token(t.Context(), w.key(), time.Minute); err == nil || errors.Is(err, protocol.SignInRequired) {
				t.Errorf("a token for a minute: %v, want the trouble", err)
			}
			if account, tokens, err := w.saved(); err != nil || account.Refused != "" || tokens != before {
				t.Errorf("the tokens have changed, or the account is refused: %v", err)
			}
			w.ClearFaults()
			if _, err := m.Token(t.Context(), w.key(), time.Minute); err != nil {
				t.Errorf("after the trouble: %v", err)
			}
		})
	}
}

func TestInvalidGrantSignsTheUserOut(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	w.RevokeTokens("sam")
	m := w.manager(nil)
	wantSignIn(t, w.currentUser(t.Context(), m), auth.ReasonRevoked)
	wantSignIn(t, w.currentUser(t.Context(), m), auth.ReasonRevoked)
	w.wantRefreshes(1)
}

func TestNobodyIsSignedIn(t *testing.T) {
	w := newWorld(t, settings{})
	m := w.manager(nil)
	if err := w.currentUser(t.Context(), m); !errors.Is(err, protocol.SignInRequired) {
		t.Errorf("the error is %v, want SignInRequired", err)
	}
	// An account whose instance another window has just removed.
	w.signedIn(2*lifetime, true)
	w.update(func(tx *store.Tx) error { return tx.DeleteInstance(w.URL()) })
	w.signedIn(2*lifetime, true)
	if _, err := m.Token(t.Context(), w.key(), time.Minute); !errors.Is(err, protocol.SignInRequired) {
		t.Errorf("the error is %v, want SignInRequired", err)
	}
	w.wantRefreshes(0)
}

func wantSignIn(t *testing.T, err error, reason string) {
	t.Helper()
	var known *protocol.Error
	if !errors.As(err, &known) || known.Code != protocol.SignInRequired || known.Details == nil || known.Details.Cause != reason || known.Hint == "" {
		t.Errorf("the error is %v, want SignInRequired for %q with a hint", err, reason)
	}
}

func TestAManagerThatIsClosedBeginsNoRefresh(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	m := w.manager(nil)
	m.Close(t.Context())
	if _, err := m.Token(t.Context(), w.key(), time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that of a cancelled request", err)
	}
	w.wantRefreshes(0)
}
