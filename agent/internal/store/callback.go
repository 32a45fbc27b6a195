package store

import (
	"errors"
	"time"
)

// PendingSignIn is a note that some process waits for the callback of a sign-in. It
// lies under the SHA-256 of the sign-in's state.
type PendingSignIn struct {
	Instance  string    `json:"instance"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// PutPendingSignIn notes that this process waits for a callback. Notes whose time
// is over, which a process that was killed has left, are removed with their
// callbacks.
func (tx *Tx) PutPendingSignIn(state string, p PendingSignIn, now time.Time) error {
	if !validKey(state) {
		return errInvalidID
	}
	var stale []string
	if b := tx.bucket(bucketPending); b != nil {
		err := b.ForEach(func(key, data []byte) error {
			earlier, err := decode[PendingSignIn](key, data)
			if err != nil || earlier.ExpiresAt.Before(now) {
				stale = append(stale, string(key))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, other := range stale {
		if err := tx.RemovePendingSignIn(other); err != nil {
			return err
		}
	}
	return put(tx, bucketPending, []byte(state), p)
}

// PendingSignIn returns the note under a state, or ErrNotFound.
func (tx *Tx) PendingSignIn(state string) (PendingSignIn, error) {
	return get[PendingSignIn](tx, bucketPending, []byte(state))
}

// RemovePendingSignIn forgets a note and its callback.
func (tx *Tx) RemovePendingSignIn(state string) error {
	return errors.Join(
		remove(tx, bucketSecrets, callbackKey(state)),
		remove(tx, bucketPending, []byte(state)),
	)
}

// PutCallback leaves the query of a callback for the process that waits for it.
func (tx *Tx) PutCallback(state, query string) error {
	return tx.putSecret(callbackKey(state), []byte(query))
}

// Callback returns the query that was left, or ErrNotFound.
func (tx *Tx) Callback(state string) (query string, err error) {
	plain, err := tx.secret(callbackKey(state))
	return string(plain), err
}
