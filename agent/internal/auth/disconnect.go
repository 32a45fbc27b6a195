package auth

import (
	"context"
	"errors"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// revokeTimeout is how long the farewell to GitLab may take.
const revokeTimeout = 10 * time.Second

// Revocation is what became of the tokens of an account that was signed out.
type Revocation struct {
	// Revoked is true where GitLab confirmed that they are dead.
	Revoked bool
	// Failure is why they could not be revoked, nil where nobody tried.
	Failure error
}

// Disconnect revokes an account's tokens at GitLab, if it is asked to, and
// forgets the account whether that worked or not. Waiting for the account's lock
// ends with ctx; the rest does not.
func (m *Manager) Disconnect(ctx context.Context, key store.AccountKey, revoke bool) (Revocation, error) {
	unlock, err := m.Store.LockAccount(ctx, key)
	if err != nil {
		return Revocation{}, err
	}
	defer unlock()
	ctx = context.WithoutCancel(ctx) // what is begun has to be ended: the tokens may be burnt
	var r Revocation
	if revoke {
		r = m.revoke(ctx, key)
	}
	m.Log.Debug("an account is forgotten", "instance", key.Instance, "account", key.Account, "revoke", revoke, "revoked", r.Revoked, "error", r.Failure)
	err = m.Store.Update(func(tx *store.Tx) error { return tx.DeleteAccount(key) })
	if err == nil {
		m.Changed()
	}
	return r, err
}

// revoke revokes the tokens of an account at GitLab. The caller holds the
// account's lock, and forgets the tokens afterwards.
func (m *Manager) revoke(ctx context.Context, key store.AccountKey) Revocation {
	account, tokens, err := m.signedInAccount(key)
	switch {
	case account.ID == "" && errors.Is(err, protocol.SignInRequired):
		return Revocation{} // another window has just signed it out
	case account.Refused == ReasonRevoked || account.Refused == ReasonExpired:
		return Revocation{Revoked: true} // GitLab has said so before
	case err != nil:
		return Revocation{Failure: err}
	}
	if account.Method == protocol.MethodToken {
		err := m.revokePersonal(ctx, account, tokens)
		return Revocation{Revoked: err == nil, Failure: err}
	}
	return m.revokeTokens(ctx, account, tokens)
}

func (m *Manager) revokeTokens(ctx context.Context, account store.Account, tokens store.Tokens) Revocation {
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	app, err := m.applicationOf(account)
	if err != nil {
		return Revocation{Failure: err}
	}
	last, err := lastToken(ctx, app, tokens)
	switch {
	case errors.Is(err, errInvalidGrant):
		return Revocation{Revoked: true} // nothing is left that could be used
	case err == nil:
		err = app.revokeToken(ctx, last)
	}
	return Revocation{Revoked: err == nil, Failure: err}
}

// lastToken returns an access token that is surely alive. Doorkeeper before 5.8.1
// confirms the revocation of a pair whose access token has run out and does
// nothing, so that the refresh token lives on; and this machine's clock may not
// be GitLab's. So the pair is refreshed first. Where GitLab is in no state to do
// that, the token at hand has to do.
func lastToken(ctx context.Context, app *application, tokens store.Tokens) (secret.Text, error) {
	if tokens.Refresh.IsEmpty() {
		return tokens.Access, nil
	}
	g, err := app.renew(ctx, tokens.Refresh)
	switch {
	case err == nil:
		return g.access, nil
	case errors.Is(err, protocol.GitLabError), errors.Is(err, protocol.RateLimited):
		return tokens.Access, nil
	}
	return secret.Text{}, err
}

// RevocationWarning is a sentence for a revocation that failed.
func RevocationWarning(account store.Account, failure error) string {
	why := "for an unknown reason"
	var known *protocol.Error
	if errors.As(failure, &known) {
		why = known.Message
	}
	where := "the application in GitLab under User settings > Applications."
	if account.Method == protocol.MethodToken {
		where = "the token in GitLab under User settings > Access tokens."
	}
	return "The tokens of " + account.User.Username + " are forgotten here but may still be valid at GitLab (" + why + "). Revoke " + where
}
