package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/work"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// Config is what a manager works with.
type Config struct {
	Store    *store.Store
	Provider providers.Provider
	// Instances says what is configured.
	Instances Instances
	// Transport returns the way to an instance.
	Transport func(store.Instance) (http.RoundTripper, error)
	// Changed is called after each change of an account that is made here, before
	// the call that made it returns.
	Changed func()
	Log     *slog.Logger
	// Seen is called with each secret before it is used, so that it can be hidden
	// in logs. Default: nobody is told.
	Seen func(secret.Text)
	// SeenCallback is called with the query of a callback that another window has
	// left, likewise.
	SeenCallback func(url.Values)
	// Hide returns a text without the secrets that were seen: GitLab's own words,
	// which may repeat what it was sent, go to the browser. Default: as it is.
	Hide func(text string) string
	// Now is the wall clock. Default: time.Now.
	Now func() time.Time
	// After is a timer, for what is asked again and again. Default: time.After.
	After func(time.Duration) <-chan time.Time
}

// Manager signs in and out, and keeps the tokens fresh.
type Manager struct {
	Config
	pending  pendingSignIns
	versions versionQuestions

	// work counts what must not be cut off: a refresh whose answer is not saved
	// yet, a page that the browser is about to load. A question for a version is
	// there too, and ends with closing.
	work    work.Group
	closing chan struct{}
	once    sync.Once
}

// New makes a manager. Close it when the last request has been answered.
func New(c Config) *Manager {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = time.After
	}
	if c.Seen == nil {
		c.Seen = func(secret.Text) {}
	}
	if c.SeenCallback == nil {
		c.SeenCallback = func(url.Values) {}
	}
	if c.Hide == nil {
		c.Hide = func(text string) string { return text }
	}
	m := &Manager{Config: c, closing: make(chan struct{})}
	m.work.Panicked = func(value any, stack []byte) {
		m.Log.Error("a refresh or a page panicked", "cause", value, "stack", string(stack))
	}
	return m
}

// errPanicked is what somebody gets who waited for a goroutine that panicked. The
// log has the rest.
var errPanicked = errors.New("auth: a panic ended it")

// Close ends what waits for a user, and waits until a refresh under way is saved,
// or ctx ends.
func (m *Manager) Close(ctx context.Context) {
	m.once.Do(func() { close(m.closing) })
	if m.work.Close(ctx) != nil {
		m.Log.Warn("a refresh or a page was cut off at the end")
	}
}

// Pending reports whether a sign-in to the instance waits for the user here.
func (m *Manager) Pending(instance string) bool {
	s := m.pending.of(instance)
	return s != nil && s.waits()
}

// signedInAccount returns an account with its tokens. It returns SignInRequired
// where there are none that GitLab would take. An account whose key was lost is
// tried: what a keyring has lost it may find again.
func (m *Manager) signedInAccount(key store.AccountKey) (account store.Account, tokens store.Tokens, err error) {
	err = m.Store.View(func(tx *store.Tx) error {
		if account, err = tx.Account(key); err != nil {
			return err
		}
		if account.Refused != "" && account.Refused != ReasonKeyLost {
			return refusedError(account, account.Refused)
		}
		tokens, err = tx.Tokens(key)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		err = NotSignedIn(key.Instance)
	case errors.Is(err, store.ErrKeyLost):
		err = fmt.Errorf("%w: %w", store.ErrKeyLost, refusedError(account, ReasonKeyLost))
	case errors.Is(err, store.ErrKeyLocked):
		err = keyLocked(account, err)
	}
	return account, tokens, err
}

// liveTokens returns an account with tokens that GitLab may still take, also where the
// application that issued them counts no more.
func (m *Manager) liveTokens(key store.AccountKey) (account store.Account, tokens store.Tokens, err error) {
	account, tokens, err = m.signedInAccount(key)
	if account.Refused == ReasonOtherApplication {
		err = m.Store.View(func(tx *store.Tx) error {
			tokens, err = tx.Tokens(key)
			return err
		})
	}
	return account, tokens, err
}

// Inspect returns an account whose tokens can be used, and whether a refresh token
// is among them. It asks nobody. Errors: SignInRequired where the tokens cannot be
// used, and those of the store.
func (m *Manager) Inspect(ctx context.Context, key store.AccountKey) (account store.Account, hasRefresh bool, err error) {
	account, tokens, err := m.usableAccount(ctx, key)
	return account, !tokens.Refresh.IsEmpty(), err
}

// usableAccount is signedInAccount, and makes the state on disk tell whether the
// tokens can be opened.
func (m *Manager) usableAccount(ctx context.Context, key store.AccountKey) (store.Account, store.Tokens, error) {
	account, tokens, err := m.signedInAccount(key)
	if tellsOfKey(account, err) {
		return account, tokens, err
	}
	unlock, lockErr := m.Store.LockAccount(ctx, key)
	if lockErr != nil {
		return account, tokens, lockErr
	}
	defer unlock()
	account, tokens, err = m.signedInAccount(key)
	if tellsOfKey(account, err) {
		return account, tokens, err
	}
	reason := ""
	if errors.Is(err, store.ErrKeyLost) {
		reason = ReasonKeyLost
	}
	if noteErr := m.Store.Update(func(tx *store.Tx) error { return tx.SetRefused(key, reason) }); noteErr != nil {
		return account, tokens, noteErr
	}
	account.Refused = reason
	m.Log.Info("whether the tokens can be opened has changed", "instance", key.Instance, "account", key.Account, "reason", reason)
	m.Changed()
	return account, tokens, err
}

// tellsOfKey reports whether an account says of its key what err does.
func tellsOfKey(account store.Account, err error) bool {
	if err != nil && !errors.Is(err, store.ErrKeyLost) {
		return true // it is about something else
	}
	return (err != nil) == (account.Refused == ReasonKeyLost)
}

// Why GitLab no longer accepts an account's tokens, or why they cannot be used.
const (
	ReasonRevoked = "revoked"             // the user or an administrator revoked them, or they were used elsewhere
	ReasonExpired = "expired"             // they ran out, and there is no refresh token
	ReasonKeyLost = protocol.CauseKeyLost // the key that seals them is gone

	// ReasonOtherApplication: the team signs in by another application now. The tokens
	// are kept, and are good again once it is the one that issued them.
	ReasonOtherApplication = "otherApplication"

	// ReasonAnswerLost: GitLab renewed them, and its answer never arrived here.
	ReasonAnswerLost = "answerLost"
)

// keyLocked is why tokens cannot be used for now. It is no state of the account:
// they are good again when the keyring is unlocked.
func keyLocked(account store.Account, cause error) error {
	return &protocol.Error{
		Code:     protocol.SignInRequired,
		Message:  "the tokens of " + account.User.Username + " cannot be opened: " + cause.Error(),
		Hint:     "Unlock the keyring (sign in to the desktop session) and try again. Or sign in again with gitlabSM/authenticate: the new tokens are then kept with a key file.",
		Instance: account.Instance,
		Details:  &protocol.ErrorDetails{Cause: protocol.CauseKeyLocked},
		Err:      cause,
	}
}

// NotSignedIn is the error for an instance without an account.
func NotSignedIn(instance string) error {
	return &protocol.Error{
		Code:     protocol.SignInRequired,
		Message:  "nobody is signed in to " + instance,
		Hint:     "Sign in with gitlabSM/authenticate.",
		Instance: instance,
	}
}

func refusedError(account store.Account, reason string) error {
	why := map[string]string{
		ReasonRevoked:          "GitLab no longer accepts the sign-in of " + account.User.Username + ": it was revoked",
		ReasonExpired:          "the sign-in of " + account.User.Username + " has expired",
		ReasonAnswerLost:       "GitLab renewed the sign-in of " + account.User.Username + ", but its answer was lost on the way",
		ReasonOtherApplication: "the team signs in to " + account.Instance + " by another application now",
		ReasonKeyLost:          "the key that seals the tokens of " + account.User.Username + " is lost",
	}
	hint := "Sign in again with gitlabSM/authenticate."
	if account.Method == protocol.MethodToken && reason != ReasonKeyLost {
		hint = "Make a new personal access token in GitLab under User settings > Access tokens, and sign in with it."
	}
	return &protocol.Error{
		Code:     protocol.SignInRequired,
		Message:  why[reason],
		Hint:     hint,
		Instance: account.Instance,
		Details:  &protocol.ErrorDetails{Cause: reason},
	}
}
