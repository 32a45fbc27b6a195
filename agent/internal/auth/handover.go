package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// A callback may reach another window than the one that waits for it: the operating
// system hands a URL of the editor's own scheme to whichever was active last, and
// people paste where they are. So each sign-in that waits leaves a note in the
// store, and whoever gets the callback leaves it there, sealed; the process that
// waits is told by its watch of the store. The code is worth nothing to anybody
// else, since the verifier never leaves that process.

// maxCallback bounds a callback's query in bytes.
const maxCallback = 16 << 10

// noteOf is under which name a sign-in is noted: the state itself stays here.
func noteOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:])
}

// note notes that this process waits. Where it cannot be noted, callbacks have to
// come to this process.
func (m *Manager) note(s *signIn, wait time.Duration) {
	now := m.Now().UTC()
	err := m.Store.Update(func(tx *store.Tx) error {
		return tx.PutPendingSignIn(noteOf(s.state), store.PendingSignIn{Instance: s.instance.ID, ExpiresAt: now.Add(wait)}, now)
	})
	if err != nil {
		m.Log.Warn("other windows do not know that a sign-in waits here", "instance", s.instance.ID, "error", err)
		return
	}
	s.noted = true
}

// unnote takes the note back.
func (m *Manager) unnote(s *signIn) {
	if !s.noted {
		return
	}
	if err := m.Store.Update(func(tx *store.Tx) error { return tx.RemovePendingSignIn(noteOf(s.state)) }); err != nil {
		m.Log.Warn("the note of a sign-in could not be removed; it runs out by itself", "instance", s.instance.ID, "error", err)
	}
}

// handOver leaves a callback for the process that waits for it. It returns
// CallbackRejected where none does.
func (m *Manager) handOver(query url.Values) error {
	note := noteOf(query.Get("state"))
	var pending store.PendingSignIn
	err := m.Store.View(func(tx *store.Tx) (err error) {
		pending, err = tx.PendingSignIn(note)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && pending.ExpiresAt.Before(m.Now()):
		return rejected("its state belongs to no sign-in that waits on this machine")
	case err != nil:
		return err
	}
	return m.Store.Update(func(tx *store.Tx) error {
		if _, err := tx.PendingSignIn(note); errors.Is(err, store.ErrNotFound) {
			return rejected("the sign-in that it belongs to has ended")
		}
		if _, err := tx.Callback(note); !errors.Is(err, store.ErrNotFound) {
			return errors.Join(err, rejected("it was used before"))
		}
		return tx.PutCallback(note, query.Encode())
	})
}

// Collect takes the callbacks that other windows have left for sign-ins that wait
// here. It is called when the store has changed.
func (m *Manager) Collect() {
	for _, s := range m.pending.all() {
		state := s.awaited()
		if state == "" || !s.waits() {
			continue
		}
		var left string
		err := m.Store.View(func(tx *store.Tx) (err error) {
			left, err = tx.Callback(noteOf(state))
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		query, parseErr := url.ParseQuery(left)
		if err = errors.Join(err, parseErr); err == nil {
			m.SeenCallback(query)
			err = s.deliver(query, false)
		}
		if err != nil {
			m.Log.Info("a callback from another window was not taken", "instance", s.instance.ID, "error", err)
		}
	}
}
