package team

import (
	"errors"
	"slices"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
)

// Place is where the settings say that the team's registry is.
type Place struct {
	// ID is the same in every spelling of the settings.
	ID string
	// Name is how people call it.
	Name string
}

// Remember notes that an editor's settings name a registry, if that was not noted
// lately. One of which nothing was seen yet is not remembered.
func (s *Shared) Remember(at Place) error {
	var r store.Registry
	look := func(tx *store.Tx) (err error) {
		r, err = tx.Registry(at.ID)
		return err
	}
	err := s.Store.View(look)
	if errors.Is(err, store.ErrNotFound) || err == nil && named(r, at) == r {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Store.Update(func(tx *store.Tx) error {
		if err := look(tx); err != nil {
			return err
		}
		return tx.PutRegistry(named(r, at))
	})
}

// named returns a registry as it is once settings name it.
func named(r store.Registry, at Place) store.Registry {
	r.Name = at.Name
	if time.Since(r.NamedAt).Abs() >= namedEvery {
		r.NamedAt = time.Now().UTC().Truncate(time.Second)
	}
	return r
}

// Version returns that of an instance as it was last seen at a place, for the next
// write; zero where there is none.
func (s *Shared) Version(at Place, id string) (seen registry.Version, err error) {
	err = s.Store.View(func(tx *store.Tx) error {
		seen = registry.Version{}
		r, err := found(tx, at)
		if err != nil {
			return err
		}
		in, err := tx.SharedInstance(r.Bucket, id)
		if err == nil && !in.Withdrawn && in.Revision != 0 {
			seen.Revision = in.Revision
			if r.Bucket != at.ID { // else none was seen yet
				seen.Bucket = r.Bucket
			}
		}
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	return seen, err
}

// Published notes an instance that was just put into the registry, as this version. It
// does not wait for the watch, which may be faster, and may know more. A state from
// before it is older from now on.
func (s *Shared) Published(tx *store.Tx, at Place, in store.Instance, now registry.Version, clientSecret secret.Text) error {
	r, err := found(tx, at)
	if err != nil {
		return err
	}
	if r.Bucket == at.ID { // the watch has seen none yet
		r.Bucket = now.Bucket
	}
	isSame := r.Bucket == now.Bucket
	saved, err := tx.SharedInstance(r.Bucket, in.ID)
	switch {
	case err == nil && isSame && saved.Revision >= now.Revision:
		return nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	}
	r = named(r, at)
	if isSame { // another bucket is seen by the watch first
		r.Sequence = max(r.Sequence, now.Revision)
	}
	return errors.Join(
		tx.PutRegistry(r),
		tx.PutShared(store.Shared{Instance: in, Bucket: r.Bucket, Revision: now.Revision}, clientSecret),
	)
}

// Withdrawn lists what the registry at a place has no more, and whose accounts are
// still to be signed out.
func (s *Shared) Withdrawn(at Place) (withdrawn []store.Shared, err error) {
	err = s.Store.View(func(tx *store.Tx) error {
		withdrawn = nil
		r, err := found(tx, at)
		if err != nil {
			return err
		}
		all, err := tx.SharedInBucket(r.Bucket)
		for _, in := range all {
			if in.Withdrawn {
				withdrawn = append(withdrawn, in)
			}
		}
		return err
	})
	return withdrawn, err
}

// Serves reports whether anything that was seen at a place counts.
func (s *Shared) Serves(at Place) (serves bool, err error) {
	err = s.Store.View(func(tx *store.Tx) error {
		r, err := found(tx, at)
		if err != nil {
			return err
		}
		all, err := tx.SharedInBucket(r.Bucket)
		serves = slices.ContainsFunc(all, store.Shared.Counts)
		return err
	})
	return serves, err
}

// found returns what was found at a place. Until that is a bucket, the place stands
// for it.
func found(tx *store.Tx, at Place) (store.Registry, error) {
	r, err := tx.Registry(at.ID)
	if errors.Is(err, store.ErrNotFound) {
		return store.Registry{Place: at.ID, Name: at.Name, Bucket: at.ID}, nil
	}
	return r, err
}

// sequenceOf returns how new a state of a bucket was kept, at whatever place.
func sequenceOf(tx *store.Tx, bucket string) (newest uint64, err error) {
	all, err := tx.Registries()
	for _, r := range all {
		if r.Bucket == bucket {
			newest = max(newest, r.Sequence)
		}
	}
	return newest, err
}

// placesOf counts the places that lead to a bucket.
func placesOf(tx *store.Tx, bucket string) (n int, err error) {
	all, err := tx.Registries()
	for _, r := range all {
		if r.Bucket == bucket {
			n++
		}
	}
	return n, err
}
