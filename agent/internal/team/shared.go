package team

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// remembered is how long a registry that no editor's settings name any more goes on
// to serve those who name none, such as the terminal.
const remembered = 30 * 24 * time.Hour

// namedEvery is how often it is noted that settings name a registry. One that was
// named within twice that time is in use.
const namedEvery = 24 * time.Hour

// Shared is the team's registry as a source: what was last seen of it, which is in
// the store, so that it serves every window of the machine while the registry is
// away.
//
// A window whose settings name a registry has what was seen of that one, and nothing
// of another team's. A window whose settings name none, as at the terminal, has what
// was seen of all that an editor's settings named in the last 30 days; one whose
// settings are mistaken about it, what was seen of the only one of these.
type Shared struct {
	Store    *store.Store
	Provider providers.Provider
	Rules    []Rule

	mu       sync.Mutex // guards what follows
	place    Place      // of the settings, zero where they name none that is known
	mistaken bool       // they name one that cannot be made out
}

// Name returns "team".
func (*Shared) Name() protocol.Source { return protocol.SourceTeam }

// Use says which registry the settings name, zero for none.
func (s *Shared) Use(p Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.place, s.mistaken = p, false
}

// UseMistaken says that the settings name a registry which cannot be made out. One that
// was in use before in this window stays.
func (s *Shared) UseMistaken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mistaken = s.place.ID == ""
}

// Find lists what was last seen, without what was withdrawn. Where two registries
// disagree about an instance, the one counts that was named last.
func (s *Shared) Find(tx *store.Tx) (found Found, err error) {
	registries, err := s.visible(tx)
	if err != nil {
		return Found{}, err
	}
	for _, r := range registries {
		list, err := tx.SharedInBucket(r.Bucket)
		if err != nil {
			return Found{}, err
		}
		for _, seen := range list {
			if seen.Unusable != "" {
				found.Problems = append(found.Problems, unusable(seen, r.Name))
			}
			if seen.Counts() {
				found.include(Instance{Instance: seen.Instance, Source: protocol.SourceTeam, Origin: r.Name})
			}
		}
	}
	return found, nil
}

// visible lists the registries whose instances this window has.
func (s *Shared) visible(tx *store.Tx) ([]store.Registry, error) {
	s.mu.Lock()
	place, mistaken := s.place.ID, s.mistaken
	s.mu.Unlock()
	if place == "" {
		lately, err := namedWithin(tx, remembered)
		if mistaken && len(lately) > 1 { // which of them is meant nobody knows, and the others are other teams'
			return nil, err
		}
		return lately, err
	}
	r, err := tx.Registry(place)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []store.Registry{r}, err
}

// namedWithin lists the registries that settings have named lately, each bucket once.
func namedWithin(tx *store.Tx, span time.Duration) (lately []store.Registry, err error) {
	all, err := tx.Registries()
	for _, r := range all {
		isThere := slices.ContainsFunc(lately, func(other store.Registry) bool { return other.Bucket == r.Bucket })
		if time.Since(r.NamedAt) < span && !isThere {
			lately = append(lately, r)
		}
	}
	return lately, err
}

// seen returns what was last seen of an instance in this window's registries, or
// store.ErrNotFound.
func (s *Shared) seen(tx *store.Tx, id string) (store.Shared, error) {
	registries, err := s.visible(tx)
	if err != nil {
		return store.Shared{}, err
	}
	for _, r := range registries {
		in, err := tx.SharedInstance(r.Bucket, id)
		if err == nil && !in.Counts() || errors.Is(err, store.ErrNotFound) {
			continue
		}
		return in, err
	}
	return store.Shared{}, store.ErrNotFound
}

// ClientSecret returns the client secret of an instance that counts.
func (s *Shared) ClientSecret(tx *store.Tx, id string) (secret.Text, error) {
	in, err := s.seen(tx, id)
	if err != nil {
		return secret.Text{}, err
	}
	return sharedSecret(tx, in)
}

// Forget forgets on this machine what was seen of an instance, but for what was put
// into its bucket again after the mark that a withdrawal has left there. A state from
// before the mark is older from now on. Where there is no mark, it is zero.
func (s *Shared) Forget(tx *store.Tx, id string, mark registry.Version) error {
	registries, err := s.visible(tx)
	for _, r := range registries {
		if r.Bucket == mark.Bucket {
			in, seenErr := tx.SharedInstance(r.Bucket, id)
			if seenErr == nil && in.Revision > mark.Revision {
				continue
			}
			r.Sequence = max(r.Sequence, mark.Revision)
			err = errors.Join(err, tx.PutRegistry(r))
		}
		err = errors.Join(err, tx.DeleteShared(r.Bucket, id))
	}
	return err
}

// sharedSecret returns the client secret of what was seen in a registry.
func sharedSecret(tx *store.Tx, in store.Shared) (secret.Text, error) {
	if in.Problem != "" {
		return secret.Text{}, &protocol.Error{
			Code:     protocol.InvalidClient,
			Message:  "the client secret of " + in.ID + " in the team's registry cannot be opened: " + in.Problem,
			Hint:     "Ask whoever maintains the registry for a credentials file with the team's key.",
			Instance: in.ID,
			Details:  &protocol.ErrorDetails{Cause: protocol.CauseTeamKey},
		}
	}
	return tx.SharedSecret(in.Bucket, in.ID)
}

func unusable(in store.Shared, registry string) error {
	message := fmt.Sprintf("the newest settings of %s in the team's registry %s do not count: %s", in.ID, registry, in.Unusable)
	if !in.Unseen {
		message += ". Those before them still serve"
	}
	return &protocol.Error{
		Code:     protocol.InvalidParams,
		Message:  message,
		Hint:     "Ask whoever maintains the registry to configure the instance again, if nobody else can use it either.",
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{Cause: protocol.CauseRegistry},
	}
}
