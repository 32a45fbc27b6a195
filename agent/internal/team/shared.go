package team

import (
	"fmt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// Shared is the team's registry as a source: what was last seen of it, which is in
// the store. So it serves every window of the machine, and while the registry is
// away.
type Shared struct {
	Store    *store.Store
	Provider providers.Provider
	Rules    []Rule
}

// Name returns "team".
func (Shared) Name() protocol.Source { return protocol.SourceTeam }

// Find lists what was last seen, without what was withdrawn.
func (Shared) Find(tx *store.Tx) (found Found, err error) {
	list, err := tx.SharedInstances()
	for _, in := range list {
		if !in.Withdrawn {
			found.Instances = append(found.Instances, Instance{Instance: in.Instance, Source: protocol.SourceTeam, Origin: in.Registry})
		}
	}
	return found, err
}

// leaving returns an instance that was withdrawn, or store.ErrNotFound: its accounts
// are still to be signed out, and so their tokens to be revoked.
func leaving(tx *store.Tx, id string) (Instance, error) {
	in, err := tx.SharedInstance(id)
	if err == nil && !in.Withdrawn {
		err = store.ErrNotFound
	}
	return Instance{Instance: in.Instance, Source: protocol.SourceTeam, Origin: in.Registry}, err
}

// sharedSecret returns the client secret of an instance of the registry's.
func sharedSecret(tx *store.Tx, id string) (secret.Text, error) {
	in, err := tx.SharedInstance(id)
	if err == nil && in.Problem != "" {
		err = &protocol.Error{
			Code:     protocol.InvalidClient,
			Message:  "the client secret of " + id + " in the team's registry cannot be opened: " + in.Problem,
			Hint:     "Ask whoever maintains the registry for a credentials file with the team's key.",
			Instance: id,
			Details:  &protocol.ErrorDetails{Cause: protocol.CauseTeamKey},
		}
	}
	if err != nil {
		return secret.Text{}, err
	}
	return tx.SharedSecret(id)
}

// kept is an entry as it is kept.
type kept struct {
	store.Shared
	secret secret.Text
}

// Keep saves what a registry has, and reports whether anything has changed. What it
// has no more is marked as withdrawn. An entry that breaks a rule does not count,
// and is among the problems: a registry gets around nothing that is asked of a user.
func (s Shared) Keep(registryName string, snapshot registry.Snapshot) (changed bool, problems []error, err error) {
	current := make(map[string]kept, len(snapshot.Entries))
	for _, e := range snapshot.Entries {
		in, err := s.check(e)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s in the team's registry does not count: %w", e.ID, err))
			continue
		}
		in.Confidential = e.Confidential
		current[in.ID] = kept{store.Shared{Instance: in, Registry: registryName, Revision: e.Revision, Problem: text(e.Problem)}, e.ClientSecret}
	}
	err = s.Store.View(func(tx *store.Tx) error {
		changed, err = differs(tx, registryName, current)
		return err
	})
	if err != nil || !changed {
		return false, problems, err
	}
	err = s.Store.Update(func(tx *store.Tx) error { return replace(tx, registryName, current) })
	return err == nil, problems, err
}

// check makes an instance of an entry.
func (s Shared) check(e registry.Entry) (store.Instance, error) {
	if e.Unusable != nil {
		return store.Instance{}, e.Unusable
	}
	e.Instance.Network = nil // how a machine reaches the network is its own to say
	in, err := FromShared(e.Instance, s.Provider)
	if err != nil {
		return store.Instance{}, err
	}
	if in.ID != e.ID {
		return store.Instance{}, fmt.Errorf("it is the instance %s, under another's key", in.ID)
	}
	for _, rule := range s.Rules {
		if err := rule.Check(in); err != nil {
			return store.Instance{}, err
		}
	}
	return in, nil
}

// differs reports whether a registry has something else than was last seen of it.
func differs(tx *store.Tx, registryName string, current map[string]kept) (bool, error) {
	list, err := tx.SharedInstances()
	same := 0
	for _, old := range list {
		now, still := current[old.ID]
		if !still && old.Registry == registryName && !old.Withdrawn {
			return true, err
		}
		if still && old.Registry == registryName && old.Revision == now.Revision && old.Problem == now.Problem && !old.Withdrawn {
			same++
		}
	}
	return same < len(current), err
}

// replace saves what a registry has in place of what was last seen of it.
func replace(tx *store.Tx, registryName string, current map[string]kept) error {
	list, err := tx.SharedInstances()
	if err != nil {
		return err
	}
	for _, old := range list {
		if _, still := current[old.ID]; !still && old.Registry == registryName {
			if err := tx.SetWithdrawn(old.ID); err != nil {
				return err
			}
		}
	}
	for _, now := range current {
		if err := tx.PutShared(now.Shared, now.secret); err != nil {
			return err
		}
	}
	return nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
