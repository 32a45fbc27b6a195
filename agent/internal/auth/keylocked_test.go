package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// aKeyring is one that can be locked.
type aKeyring struct {
	held   map[string][]byte
	locked bool
}

var errLocked = errors.New("the keyring is locked")

func (k *aKeyring) Get(id string) ([]byte, bool, error) {
	if k.locked {
		return nil, false, errLocked
	}
	value, found := k.held[id]
	return value, found, nil
}

func (k *aKeyring) Set(id string, value []byte) error {
	if k.locked {
		return errLocked
	}
	k.held[id] = value
	return nil
}

func (k *aKeyring) Delete(string) error { return nil }

// withKeyring is a world whose key is in a keyring, somebody signed in, and a
// window of theirs.
func withKeyring(t *testing.T) (w *world, k *aKeyring, window *auth.Manager, tokens store.Tokens) {
	t.Helper()
	w = newWorld(t, settings{})
	k = &aKeyring{held: map[string][]byte{}}
	tokens = w.signedIn(time.Minute, true)
	in := w.instance()
	err := store.New(w.dir, store.Options{Keyring: k}).Update(func(tx *store.Tx) error { // moves the key
		return tx.PutInstance(in, secret.New(w.app.Secret))
	})
	if err != nil {
		t.Fatal(err)
	}
	window = w.manager(func(c *auth.Config) { c.Store = store.New(w.dir, store.Options{Keyring: k}) })
	return w, k, window, tokens
}

// A locked keyring is the user's to unlock. Nobody is signed out by it.
func TestALockedKeyringRefusesNobody(t *testing.T) {
	w, k, locked, tokens := withKeyring(t)
	in := w.instance()

	k.locked = true
	_, err := locked.Token(t.Context(), w.key(), 0)
	wantLocked(t, err, protocol.SignInRequired)
	wantLocked(t, locked.CheckConfigured(t.Context(), in), protocol.InvalidClient)
	if account, _, err := w.saved(); !errors.Is(err, store.ErrKeyLocked) || account.Refused != "" {
		t.Errorf("the account is refused with %q; reading it: %v", account.Refused, err)
	}
	w.wantRefreshes(0)

	k.locked = false
	got, err := locked.Token(t.Context(), w.key(), 0)
	if err != nil || got.Token != tokens.Access {
		t.Errorf("after unlocking: %v", err)
	}
	if err := locked.CheckConfigured(t.Context(), in); err != nil {
		t.Errorf("after unlocking: %v", err)
	}
}

// What a keyring has lost it may find again, as when the user logs in to another
// desktop. Until then a sign-in is asked for, and nothing is thrown away.
func TestAKeyThatIsFoundAgainSignsInAgain(t *testing.T) {
	w, k, lost, tokens := withKeyring(t)

	held := k.held
	k.held = map[string][]byte{}
	for range 2 {
		_, err := lost.Token(t.Context(), w.key(), 0)
		var known *protocol.Error
		if !errors.As(err, &known) || known.Code != protocol.SignInRequired || known.Details.Cause != auth.ReasonKeyLost {
			t.Fatalf("the error is %v, want SignInRequired with the cause keyLost", err)
		}
	}
	if account, _, err := w.saved(); !errors.Is(err, store.ErrKeyLocked) || account.Refused != auth.ReasonKeyLost { // to who has no keyring
		t.Errorf("the account is refused with %q; reading it: %v", account.Refused, err)
	}
	changes := w.changes.Load()

	k.held = held
	if got, err := lost.Token(t.Context(), w.key(), 0); err != nil || got.Token != tokens.Access {
		t.Errorf("with the key again: %v", err)
	}
	if account, _, _ := w.saved(); account.Refused != "" || w.changes.Load() != changes+1 {
		t.Errorf("the account is refused with %q, and %d changes were told", account.Refused, w.changes.Load()-changes)
	}
	w.wantRefreshes(0)
}

func wantLocked(t *testing.T, err error, code protocol.Code) {
	t.Helper()
	var known *protocol.Error
	if !errors.As(err, &known) || known.Code != code || known.Details == nil || known.Details.Cause != "keyLocked" {
		t.Fatalf("the error is %v, want %v with the cause keyLocked", err, code)
	}
	if !strings.Contains(known.Message, "keyring is locked") || !strings.Contains(known.Hint, "Unlock the keyring") {
		t.Errorf("the message is %q, the hint %q", known.Message, known.Hint)
	}
}
