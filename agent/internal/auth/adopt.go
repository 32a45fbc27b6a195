package auth

import (
	"context"
	"strconv"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// adopt makes an account of what an application was granted: it asks whose the
// tokens are, and saves them.
func (m *Manager) adopt(ctx context.Context, app *application, in store.Instance, method protocol.AuthMethod, g grant) (store.Account, error) {
	if missing := MissingScopes(in.Scopes, g.scopes); len(missing) > 0 {
		return store.Account{}, invalidScope(in.ID, missing)
	}
	base, err := m.Transport(in)
	if err != nil {
		return store.Account{}, err
	}
	host := m.host(base, in.ID, method, g.access)
	user, err := host.CurrentUser(ctx)
	if err != nil {
		return store.Account{}, err
	}
	account := store.Account{
		ID: strconv.FormatInt(user.ID, 10), Instance: in.ID, User: user,
		Method: method, SignedInAt: g.issued, ClientID: in.ClientID, RedirectURI: app.config.RedirectURL,
	}
	return m.saveSignIn(ctx, withGrant(account, g), store.Tokens{Access: g.access, Refresh: g.refresh}, m.versionAtSignIn(ctx, in, host))
}

// saveSignIn saves an account with its tokens, in place of those that it had: these
// are revoked, since nobody could do that later. A personal access token that was
// replaced is left to the user, who may use it elsewhere.
func (m *Manager) saveSignIn(ctx context.Context, account store.Account, tokens store.Tokens, version string) (store.Account, error) {
	unlock, err := m.Store.LockAccount(ctx, account.Key())
	if err != nil {
		return store.Account{}, err
	}
	defer unlock()
	earlier, replaced, err := m.liveTokens(account.Key())
	hadTokens := err == nil && replaced.Access != tokens.Access && earlier.Method != protocol.MethodToken
	err = m.Store.Update(func(tx *store.Tx) error {
		applicationID := account.ClientID
		if account.Method == protocol.MethodToken {
			applicationID = "" // it is no application's
		}
		in, err := m.stillOffered(tx, account.Instance, applicationID)
		if err != nil {
			return err
		}
		if version != "" {
			if err := m.noteVersion(tx, in.ID, version); err != nil {
				return err
			}
		}
		return tx.PutAccount(account, tokens)
	})
	if err != nil {
		return store.Account{}, err
	}
	m.Log.Debug("the sign-in is saved", "instance", account.Instance, "account", account.ID, "scopes", account.Scopes, "expires", account.ExpiresAt)
	m.Changed()
	if hadTokens {
		m.revokeReplaced(ctx, earlier, replaced)
	}
	return account, nil
}

func (m *Manager) revokeReplaced(ctx context.Context, earlier store.Account, replaced store.Tokens) {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	app, err := m.applicationOf(earlier)
	if err == nil {
		err = app.revokeTokens(ctx, replaced).Failure
	}
	if err != nil {
		m.Log.Warn("the tokens of the earlier sign-in could not be revoked", "instance", earlier.Instance, "error", err)
	}
}

// discard revokes tokens that nobody will use. It is a courtesy: where it fails,
// they end by themselves.
func (m *Manager) discard(ctx context.Context, app *application, g grant) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	if err := app.revokeToken(ctx, g.access); err != nil {
		m.Log.Warn("unused tokens could not be revoked", "instance", app.instance, "error", err)
	}
}

// withGrant puts what is public of a grant into an account.
func withGrant(account store.Account, g grant) store.Account {
	account.TokenType, account.Scopes = g.tokenType, g.scopes
	account.IssuedAt, account.ExpiresAt = g.issued, g.expires
	account.RefreshSentAt, account.Refused = time.Time{}, ""
	return account
}
