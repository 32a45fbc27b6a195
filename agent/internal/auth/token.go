package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// slack is how long a token must live to be worth using: a call that takes its
// time should not arrive with a dead one. GitLab's shortest lifetime is 300 s.
const slack = 60 * time.Second

// Access is an access token and the account that it is of.
type Access struct {
	Account store.Account
	Token   secret.Text
}

// need is what a caller wants of an access token.
type need struct {
	validity time.Duration // it lives this long from now
	strict   bool          // or it is an error; else a shorter life is better than none
	refused  secret.Text   // it is not this one, which GitLab has just refused
}

// Token returns an access token that lives at least as long as asked, refreshed
// where need be.
//
// Errors: SignInRequired where GitLab no longer accepts the sign-in, InvalidParams
// where the instance's tokens never live that long, InvalidToken for a personal
// access token, which is not handed out, and those of the network.
func (m *Manager) Token(ctx context.Context, key store.AccountKey, validity time.Duration) (Access, error) {
	access, err := m.access(ctx, key, need{validity: validity, strict: true})
	if err == nil && access.Account.Method == protocol.MethodToken {
		return Access{}, notHandedOut(access.Account)
	}
	return access, err
}

func (m *Manager) access(ctx context.Context, key store.AccountKey, n need) (Access, error) {
	account, tokens, err := m.usableAccount(ctx, key)
	if err != nil {
		return Access{}, err
	}
	if m.serves(account, tokens, n) {
		return Access{account, tokens.Access}, nil
	}
	if life := lifetime(account); n.strict && life > 0 && n.validity >= life {
		return Access{}, tooShort(account, n.validity, life)
	}
	return m.refresh(ctx, key, n)
}

// serves reports whether the tokens at hand will do, by the wall clock. One that
// was set back behind the time at which they were issued can say nothing of them.
func (m *Manager) serves(account store.Account, tokens store.Tokens, n need) bool {
	now := m.Now().Round(0)
	switch {
	case tokens.Access == n.refused:
		return false
	case account.ExpiresAt.IsZero():
		return true
	case now.Add(slack).Before(account.IssuedAt):
		return false
	}
	validity := n.validity
	if life := lifetime(account); !n.strict && life > 0 {
		validity = min(validity, life/2)
	}
	return now.Add(validity).Before(account.ExpiresAt)
}

// lifetime is how long the account's tokens live when new; 0 for ever.
func lifetime(account store.Account) time.Duration {
	if account.ExpiresAt.IsZero() {
		return 0
	}
	return account.ExpiresAt.Sub(account.IssuedAt)
}

func tooShort(account store.Account, wanted, life time.Duration) error {
	return &protocol.Error{
		Code:     protocol.InvalidParams,
		Message:  fmt.Sprintf("a token that lives %v was asked for, but this instance issues tokens for %v", wanted, life.Round(time.Second)),
		Hint:     "Ask for less with minValiditySeconds.",
		Instance: account.Instance,
	}
}

// refresh gets new tokens, or finds that another goroutine or process has done
// so. Waiting for the account's lock ends with ctx. The exchange itself does not:
// cut off, it may have burnt the refresh token.
func (m *Manager) refresh(ctx context.Context, key store.AccountKey, n need) (Access, error) {
	unlock, err := m.Store.LockAccount(ctx, key)
	if err != nil {
		return Access{}, err
	}
	type result struct {
		Access
		error
	}
	done := make(chan result, 1)
	started := m.work.Go(func() {
		defer unlock()
		r := result{error: errPanicked}
		defer func() { done <- r }() // also where it panics: somebody waits
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), providers.Timeout)
		defer cancel()
		r.Access, r.error = m.refreshLocked(detached, key, n)
	})
	if !started { // the process is about to end
		unlock()
		return Access{}, context.Canceled
	}
	select {
	case r := <-done:
		return r.Access, r.error
	case <-ctx.Done():
		return Access{}, context.Cause(ctx)
	}
}

// refreshLocked is refresh for whoever holds the account's lock: read again,
// still needed?, refresh, save.
func (m *Manager) refreshLocked(ctx context.Context, key store.AccountKey, n need) (Access, error) {
	account, tokens, err := m.signedInAccount(key)
	if err != nil {
		return Access{}, err
	}
	log := m.Log.With("instance", key.Instance, "account", key.Account)
	if m.serves(account, tokens, n) {
		log.Debug("the token was refreshed elsewhere meanwhile", "expires", account.ExpiresAt)
		return Access{account, tokens.Access}, nil
	}
	log.Debug("the token is refreshed", "expires", account.ExpiresAt, "wantedFor", n.validity, "refused", !n.refused.IsEmpty())
	renewed, err := m.renew(ctx, account, tokens)
	switch {
	case err == nil && n.strict && !m.serves(renewed.Account, store.Tokens{Access: renewed.Token}, n):
		return Access{}, tooShort(renewed.Account, n.validity, lifetime(renewed.Account))
	case err == nil:
		return renewed, nil
	case errors.Is(err, errInvalidGrant) && !account.RefreshSentAt.IsZero():
		return Access{}, m.refuse(account, ReasonAnswerLost)
	case errors.Is(err, errInvalidGrant):
		return Access{}, m.refuse(account, ReasonRevoked)
	case errors.Is(err, errNoRefreshToken):
		return Access{}, m.refuse(account, m.whyRefused(account))
	case !n.strict && m.serves(account, tokens, need{refused: n.refused}):
		m.Log.Warn("the token could not be refreshed yet; it is still good", "instance", key.Instance, "error", err)
		return Access{account, tokens.Access}, nil
	}
	return Access{}, err
}

// errNoRefreshToken says that GitLab issued none, as old versions do.
var errNoRefreshToken = errors.New("auth: no refresh token")

// renew trades the refresh token and saves what it gets for it. The caller holds
// the account's lock.
func (m *Manager) renew(ctx context.Context, account store.Account, tokens store.Tokens) (Access, error) {
	if tokens.Refresh.IsEmpty() {
		return Access{}, errNoRefreshToken
	}
	if _, err := m.instance(account.Instance); err != nil { // nobody may use it now
		return Access{}, err
	}
	app, err := m.applicationOf(account)
	if err != nil {
		return Access{}, err
	}
	g, err := m.sendRefresh(ctx, app, account, tokens.Refresh)
	if err != nil {
		return Access{}, err
	}
	account = withGrant(account, g)
	if err := m.saveRefreshed(ctx, account, store.Tokens{Access: g.access, Refresh: g.refresh}); err != nil {
		return Access{}, err
	}
	m.Log.Debug("the token is new", "instance", account.Instance, "account", account.ID, "expires", account.ExpiresAt, "hasRefreshToken", !g.refresh.IsEmpty())
	m.Changed()
	if in, err := m.instance(account.Instance); err == nil {
		m.renewVersion(in, account.Method, g.access)
	}
	return Access{account, g.access}, nil
}

// saveRefreshed saves new tokens, and goes on trying while another program holds
// the store, until ctx ends: the old ones are burnt.
func (m *Manager) saveRefreshed(ctx context.Context, account store.Account, tokens store.Tokens) error {
	for {
		err := m.Store.Update(func(tx *store.Tx) error { return tx.PutAccount(account, tokens) })
		if !errors.Is(err, protocol.StoreBusy) || ctx.Err() != nil {
			return err
		}
		m.Log.Warn("new tokens could not be saved yet", "instance", account.Instance, "error", err)
	}
}

// sendRefresh trades the refresh token, and leaves a note in the store from before
// the request until its answer. GitLab burns a refresh token when it is used; so
// where the answer is lost, because the line broke, the process was killed or the
// machine went to sleep, the note tells why GitLab refuses the token afterwards. A
// store that cannot take the note could not take the new tokens either, and the
// old ones are then not spent.
//
// An earlier note stays until there are new tokens: only they show that nothing
// was lost.
func (m *Manager) sendRefresh(ctx context.Context, app *application, account store.Account, refresh secret.Text) (grant, error) {
	if !account.RefreshSentAt.IsZero() {
		return app.renew(ctx, refresh)
	}
	if err := m.noteRefresh(account.Key(), m.Now().UTC()); err != nil {
		return grant{}, err
	}
	g, err := app.renew(ctx, refresh)
	var unknown unanswered
	if err != nil && !errors.As(err, &unknown) {
		if noteErr := m.noteRefresh(account.Key(), time.Time{}); noteErr != nil {
			m.Log.Warn("the answer to a refresh could not be noted", "instance", account.Instance, "error", noteErr)
		}
	}
	return g, err
}

func (m *Manager) noteRefresh(key store.AccountKey, sent time.Time) error {
	err := m.Store.Update(func(tx *store.Tx) error { return tx.SetRefreshSent(key, sent) })
	if errors.Is(err, store.ErrNotFound) { // removed with its instance
		return NotSignedIn(key.Instance)
	}
	return err
}

// whyRefused tells an access token that ran out from one that was revoked.
func (m *Manager) whyRefused(account store.Account) string {
	if !account.ExpiresAt.IsZero() && !m.Now().Before(account.ExpiresAt) {
		return ReasonExpired
	}
	return ReasonRevoked
}

// refuse notes that GitLab no longer accepts the account's tokens, and returns
// the error for it. The caller holds the account's lock.
func (m *Manager) refuse(account store.Account, reason string) error {
	err := m.Store.Update(func(tx *store.Tx) error {
		err := tx.RefuseAccount(account.Key(), reason)
		if errors.Is(err, store.ErrNotFound) { // disconnected meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	m.Changed()
	m.Log.Info("the sign-in is no longer good", "instance", account.Instance, "account", account.ID, "reason", reason)
	return refusedError(account, reason)
}
