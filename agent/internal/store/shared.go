package store

import (
	"errors"
	"slices"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
)

// Registry is a place where settings have a team's registry, and what was found
// there.
type Registry struct {
	// Place is where the settings say that it is, however they spell it.
	Place string `json:"place"`
	// Name is how people call it.
	Name string `json:"name"`
	// Bucket identifies what was last found there: several places can lead to the same
	// one, and at one place another can be made.
	Bucket string `json:"bucket"`
	// Sequence is how new the state of the bucket was that was last kept.
	Sequence uint64 `json:"sequence,omitempty"`
	// NamedAt is when an editor's settings last had the place, to the day.
	NamedAt time.Time `json:"namedAt"`
}

func (r Registry) recordKey() []byte { return registryKey(r.Place) }

// Shared is an instance of a team's registry, as it was last seen there. It serves
// while the registry is away.
type Shared struct {
	Instance
	// Bucket is where it was seen.
	Bucket string `json:"bucket"`
	// Revision is the bucket's, for the next write; 0 where the bucket was made anew
	// and has not got the instance yet.
	Revision uint64 `json:"revision,omitempty"`
	// Problem says why the client secret could not be opened, empty where it was or
	// there is none.
	Problem string `json:"problem,omitempty"`
	// Unusable says why the newest record cannot be used. The one before it serves,
	// unless none was ever seen: then nothing else is here but the id and the revision.
	Unusable string `json:"unusable,omitempty"`
	Unseen   bool   `json:"unseen,omitempty"`
	// Withdrawn is true once the bucket has it no more. It counts no longer, and stays
	// until its accounts are signed out.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

func (in Shared) recordKey() []byte { return sharedKey(in.Bucket, in.ID) }

// Counts reports whether it is an instance that can be used.
func (in Shared) Counts() bool { return !in.Withdrawn && !in.Unseen }

// Registries lists the places where registries were set, the one that was named last
// first.
func (tx *Tx) Registries() ([]Registry, error) {
	all, err := list[Registry](tx, bucketRegistries, nil)
	slices.SortStableFunc(all, func(a, b Registry) int { return b.NamedAt.Compare(a.NamedAt) })
	return all, err
}

// Registry returns what was found at a place, or ErrNotFound.
func (tx *Tx) Registry(place string) (Registry, error) {
	return get[Registry](tx, bucketRegistries, registryKey(place))
}

// PutRegistry saves what was found at a place.
func (tx *Tx) PutRegistry(r Registry) error {
	if !validKey(r.Place) || !validKey(r.Bucket) {
		return errInvalidID
	}
	return put(tx, bucketRegistries, registryKey(r.Place), r)
}

// SharedInstances lists what was seen in all registries.
func (tx *Tx) SharedInstances() ([]Shared, error) { return list[Shared](tx, bucketShared, nil) }

// SharedInBucket lists what was seen in a bucket, in the order of ids, withdrawn
// ones too.
func (tx *Tx) SharedInBucket(bucket string) ([]Shared, error) {
	return list[Shared](tx, bucketShared, sharedPrefix(bucket))
}

// SharedInstance returns an instance of a bucket, or ErrNotFound.
func (tx *Tx) SharedInstance(bucket, id string) (Shared, error) {
	return get[Shared](tx, bucketShared, sharedKey(bucket, id))
}

// PutShared saves an instance of a registry's with its client secret, which is
// empty where there is none or where it could not be opened.
func (tx *Tx) PutShared(in Shared, clientSecret secret.Text) error {
	tx.seen(clientSecret)
	if err := tx.NoteShared(in); err != nil {
		return err
	}
	return tx.setSecret(sharedSecretKey(in.Bucket, in.ID), clientSecret)
}

// NoteShared saves what is known of an instance of a registry's, and leaves its
// client secret as it is.
func (tx *Tx) NoteShared(in Shared) error {
	if !validKey(in.ID) || !validKey(in.Bucket) {
		return errInvalidID
	}
	return put(tx, bucketShared, sharedKey(in.Bucket, in.ID), in)
}

// SharedSecret returns the client secret of an instance of a registry's. Errors:
// as for ClientSecret.
func (tx *Tx) SharedSecret(bucket, id string) (secret.Text, error) {
	return tx.clientSecret(sharedSecretKey(bucket, id))
}

// DeleteShared forgets an instance of a registry's and its secret.
func (tx *Tx) DeleteShared(bucket, id string) error {
	return errors.Join(
		remove(tx, bucketSecrets, sharedSecretKey(bucket, id)),
		remove(tx, bucketShared, sharedKey(bucket, id)),
	)
}
