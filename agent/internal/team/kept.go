package team

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
)

// kept is an instance of a registry as it is kept.
type kept struct {
	store.Shared
	// secret is the client secret, unless the one stays that lies there.
	secret secret.Text
	stays  bool
}

// knownOf returns what is kept of a bucket, by id.
func knownOf(tx *store.Tx, bucket string) (map[string]kept, error) {
	list, err := tx.SharedInBucket(bucket)
	known := make(map[string]kept, len(list))
	for _, in := range list {
		known[in.ID] = kept{Shared: in, stays: true}
	}
	return known, err
}

// opened reports whether a record was seen at a revision, and its secret opened.
func (in kept) opened(revision uint64) bool {
	return in.Revision == revision && in.Problem == "" && in.Unusable == ""
}

// unusable returns what is kept where the newest record cannot be used: what was seen
// before it, or that there is one.
func (in kept) unusable(e registry.Entry, bucket string, why error, isKnown bool) kept {
	if !isKnown {
		in = kept{Shared: store.Shared{Instance: store.Instance{ID: e.ID}, Bucket: bucket, Unseen: true}}
	}
	in.Revision, in.Unusable, in.Withdrawn = e.Revision, why.Error(), false
	return in
}

// isSaved reports whether the store has it like that. A secret that lies there and
// can be opened no more is another.
func (in kept) isSaved(tx *store.Tx) (bool, error) {
	saved, err := tx.SharedInstance(in.Bucket, in.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case !sameRecord(saved, in.Shared):
		return false, nil
	case in.stays:
		return true, nil
	}
	clientSecret, err := tx.SharedSecret(in.Bucket, in.ID)
	switch {
	case errors.Is(err, store.ErrKeyLost):
		return false, nil
	case errors.Is(err, store.ErrKeyLocked): // it is of the same revision of the same bucket
		return true, nil
	}
	return clientSecret == in.secret, err
}

func sameRecord(a, b store.Shared) bool {
	x, _ := json.Marshal(a) // strings, numbers and booleans always encode
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func (in kept) put(tx *store.Tx) error {
	if in.stays {
		return tx.NoteShared(in.Shared)
	}
	return tx.PutShared(in.Shared, in.secret)
}
