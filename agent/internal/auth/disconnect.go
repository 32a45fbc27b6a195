package auth

import (
	"context"
	"errors"
	"time"

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
// forgets the account whether that worked or not.
func (m *Manager) Disconnect(ctx context.Context, key store.AccountKey, revoke bool) (Revocation, error) {
	unlock, err := m.Store.LockAccount(ctx, key)
	if err != nil {
		return Revocation{}, err
	}
	defer unlock()
	var r Revocation
	if revoke {
		bounded, cancel := context.WithTimeout(ctx, revokeTimeout)
		r = m.revoke(bounded, key)
		cancel()
	}
	if ctx.Err() != nil {
		return Revocation{}, context.Cause(ctx)
	}
	err = m.Store.Update(func(tx *store.Tx) error { return tx.DeleteAccount(key) })
	if err == nil {
		m.Changed()
	}
	return r, err
}

// revoke revokes the tokens at GitLab. An access token that has run out cannot be
// revoked, and Doorkeeper before 5.8.1 then leaves its refresh token alive: the
// pair is refreshed first. The caller holds the account's lock.
func (m *Manager) revoke(ctx context.Context, key store.AccountKey) Revocation {
	account, tokens, err := m.signedInAccount(key)
	switch {
	case account.Refused == ReasonRevoked || account.Refused == ReasonExpired:
		return Revocation{Revoked: true} // GitLab has said so before
	case err != nil:
		return Revocation{Failure: err}
	}
	if !m.serves(account, tokens, need{}) {
		renewed, err := m.renew(ctx, account, tokens)
		switch {
		case errors.Is(err, errInvalidGrant), errors.Is(err, errNoRefreshToken):
			return Revocation{Revoked: true}
		case err != nil:
			return Revocation{Failure: err}
		}
		tokens.Access = renewed.Token
	}
	app, err := m.applicationOf(account)
	if err == nil {
		err = app.revokeToken(ctx, tokens.Access)
	}
	return Revocation{Revoked: err == nil, Failure: err}
}

// RevocationWarning is a sentence for a revocation that failed.
func RevocationWarning(username string, failure error) string {
	why := "for an unknown reason"
	var known *protocol.Error
	if errors.As(failure, &known) {
		why = known.Message
	}
	return "The tokens of " + username + " are forgotten here but may still be valid at GitLab (" + why +
		"). Revoke the application in GitLab under User settings > Applications."
}
