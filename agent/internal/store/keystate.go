package store

import "errors"

// errKeyringOff is why a key lies in a file where the user wants that.
var errKeyringOff = errors.New("the keyring is switched off")

// KeyState is how the key that seals new secrets is kept.
type KeyState struct {
	Place Place
	// Problem is why a key in the keyring cannot be had (ErrKeyLocked, ErrKeyLost), or
	// why another one is not in the keyring. It is nil where all is well, and for a
	// key that will go into the keyring with the next secret.
	Problem error
}

// KeyState finds out how the key is kept that seals new secrets. It asks the
// keyring.
//
// Errors: as View.
func (s *Store) KeyState() (KeyState, error) {
	var id keyID
	var note keyNote
	err := s.View(func(tx *Tx) (err error) {
		id, note, _, err = tx.currentKey()
		return err
	})
	state := KeyState{Place: note.Place}
	switch {
	case err != nil:
	case note.Place == PlaceKeyring:
		_, state.Problem = s.readKeyring(id)
	case s.off.Load():
		state.Problem = errKeyringOff
	case s.Keyring == nil:
		state.Problem = errNoKeyring
	default:
		state.Problem = s.probe()
	}
	return state, err
}
