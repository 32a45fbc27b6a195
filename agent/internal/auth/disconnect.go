package auth

import (
	"context"
	"errors"
	"log/slog"
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
	f, err := m.Farewell(ctx, key)
	if err != nil {
		return Revocation{}, err
	}
	defer f.End()
	var r Revocation
	if revoke {
		r = f.Revoke(ctx)
	}
	if err = m.Store.Update(f.Forget); err == nil {
		m.Changed()
	}
	return r, err
}

// Farewell is an account that is signed out. Until its end nobody else works on the
// account's tokens, and what their revocation takes is at hand, whatever becomes of the
// application in the settings.
type Farewell struct {
	// Account is the zero value where another window has just signed it out.
	Account store.Account
	key     store.AccountKey
	revoke  func(context.Context) Revocation
	log     *slog.Logger
	unlock  func()
}

// Farewell begins to sign an account out. Waiting for its lock ends with ctx; the
// farewell has to end.
func (m *Manager) Farewell(ctx context.Context, key store.AccountKey) (*Farewell, error) {
	unlock, err := m.Store.LockAccount(ctx, key)
	if err != nil {
		return nil, err
	}
	f := &Farewell{key: key, log: m.Log.With("instance", key.Instance, "account", key.Account), unlock: unlock}
	f.Account, f.revoke = m.revocationOf(key)
	return f, nil
}

// Forget forgets the account and its tokens.
func (f *Farewell) Forget(tx *store.Tx) error {
	f.log.Debug("an account is forgotten")
	return tx.DeleteAccount(f.key)
}

// Revoke revokes the account's tokens at GitLab. It does not end with ctx: what is
// begun has to be ended, since the tokens may be burnt.
func (f *Farewell) Revoke(ctx context.Context) Revocation {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	r := f.revoke(ctx)
	f.log.Debug("tokens were to be revoked", "revoked", r.Revoked, "error", r.Failure)
	return r
}

// End lets others work on the account again.
func (f *Farewell) End() { f.unlock() }

// revocationOf returns an account, and how its tokens are revoked. The caller holds
// the account's lock.
func (m *Manager) revocationOf(key store.AccountKey) (store.Account, func(context.Context) Revocation) {
	known := func(r Revocation) func(context.Context) Revocation {
		return func(context.Context) Revocation { return r }
	}
	account, tokens, err := m.liveTokens(key)
	switch {
	case account.ID == "" && errors.Is(err, protocol.SignInRequired):
		return account, known(Revocation{}) // another window has just signed it out
	case account.Refused == ReasonRevoked || account.Refused == ReasonExpired:
		return account, known(Revocation{Revoked: true}) // GitLab has said so before
	case err != nil:
		return account, known(Revocation{Failure: err})
	case account.Method == protocol.MethodToken:
		return account, func(ctx context.Context) Revocation {
			err := m.revokePersonal(ctx, account, tokens)
			return Revocation{Revoked: err == nil, Failure: err}
		}
	}
	app, err := m.applicationOf(account)
	if err != nil {
		return account, known(Revocation{Failure: err})
	}
	return account, func(ctx context.Context) Revocation { return app.revokeTokens(ctx, tokens) }
}

// revokeTokens revokes what the application has issued.
func (a *application) revokeTokens(ctx context.Context, tokens store.Tokens) Revocation {
	last, err := lastToken(ctx, a, tokens)
	switch {
	case errors.Is(err, errInvalidGrant):
		return Revocation{Revoked: true} // nothing is left that could be used
	case err == nil:
		err = a.revokeToken(ctx, last)
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
