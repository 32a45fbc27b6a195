package store

import (
	"errors"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
)

// Shared is an instance that the team's registry has, as it was last seen. It
// serves while the registry is away.
type Shared struct {
	Instance
	// Registry is where it was seen.
	Registry string `json:"registry"`
	// Revision is the registry's, for the next write.
	Revision uint64 `json:"revision"`
	// Problem says why the client secret could not be opened, empty where it was or
	// there is none.
	Problem string `json:"problem,omitempty"`
	// Withdrawn is true once the registry has it no more. It counts no longer, and
	// stays until its accounts are signed out.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

// SharedInstances lists what was seen of the team's registry, in the order of ids,
// withdrawn ones too.
func (tx *Tx) SharedInstances() ([]Shared, error) { return list[Shared](tx, bucketShared, nil) }

// SharedInstance returns the instance with that id, or ErrNotFound.
func (tx *Tx) SharedInstance(id string) (Shared, error) {
	return get[Shared](tx, bucketShared, instanceKey(id))
}

// PutShared saves an instance of the registry's with its client secret, which is
// empty where there is none or where it could not be opened.
func (tx *Tx) PutShared(in Shared, clientSecret secret.Text) error {
	if !validKey(in.ID) {
		return errInvalidID
	}
	tx.seen(clientSecret)
	if err := put(tx, bucketShared, instanceKey(in.ID), in); err != nil {
		return err
	}
	if clientSecret.IsEmpty() {
		return remove(tx, bucketSecrets, sharedSecretKey(in.ID))
	}
	return tx.putSecret(sharedSecretKey(in.ID), []byte(clientSecret.Reveal()))
}

// SharedSecret returns the client secret of an instance of the registry's. Errors:
// as for ClientSecret.
func (tx *Tx) SharedSecret(id string) (secret.Text, error) {
	return tx.clientSecret(sharedSecretKey(id))
}

// SetWithdrawn notes that the registry has an instance no more.
func (tx *Tx) SetWithdrawn(id string) error {
	in, err := tx.SharedInstance(id)
	if err != nil {
		return err
	}
	in.Withdrawn = true
	return put(tx, bucketShared, instanceKey(id), in)
}

// DeleteShared forgets an instance of the registry's and its secret.
func (tx *Tx) DeleteShared(id string) error {
	return errors.Join(
		remove(tx, bucketSecrets, sharedSecretKey(id)),
		remove(tx, bucketShared, instanceKey(id)),
	)
}
