package team

import (
	"errors"
	"fmt"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
)

// Keep saves the state of the bucket that a registry has, and reports whether
// anything has changed. What cannot be used of it is among the problems.
//
// What is there no more is marked as withdrawn, by one rule: this bucket had it, and
// a newer state of this bucket lacks it. So nothing is withdrawn by
//
//   - a record that cannot be used, since it is of a newer version or breaks a rule
//     that is asked of a user too: what was seen before it serves on;
//   - a bucket that was made anew, as after the loss of a server: it says nothing of
//     what nobody has put into it yet, and those who maintain it fill it again. Until
//     then what the one before it had serves on, and unconfiguring it is each
//     machine's own;
//   - an older state, from a server that lags behind.
func (s *Shared) Keep(at Place, snapshot registry.Snapshot) (changed bool, problems []error, err error) {
	var p plan
	look := func(tx *store.Tx) error {
		p, err = s.plan(tx, at, snapshot)
		return err
	}
	if err = s.Store.View(look); err != nil || p.isEmpty() {
		return false, p.problems, err
	}
	err = s.Store.Update(func(tx *store.Tx) error {
		if err := look(tx); err != nil {
			return err
		}
		return p.carryOut(tx)
	})
	return err == nil, p.problems, err
}

// plan is what a state of a bucket changes in the store.
type plan struct {
	registry *store.Registry // nil: it stays
	puts     []kept
	drops    []store.Shared
	problems []error
}

func (p *plan) isEmpty() bool { return p.registry == nil && len(p.puts)+len(p.drops) == 0 }

func (p *plan) carryOut(tx *store.Tx) (err error) {
	if p.registry != nil {
		err = tx.PutRegistry(*p.registry)
	}
	for _, in := range p.puts {
		err = errors.Join(err, in.put(tx))
	}
	for _, in := range p.drops {
		err = errors.Join(err, tx.DeleteShared(in.Bucket, in.ID))
	}
	return err
}

// ErrOlder is the problem of a state that is older than what was kept: a server lags
// behind, or the state was read before a write of this machine. A newer one follows.
var ErrOlder = errors.New("what came is older than what was kept, and is passed over")

func (s *Shared) plan(tx *store.Tx, at Place, snapshot registry.Snapshot) (p plan, err error) {
	found, err := found(tx, at)
	if err != nil {
		return plan{}, err
	}
	newest, err := sequenceOf(tx, snapshot.Bucket)
	if err != nil {
		return plan{}, err
	}
	if snapshot.Sequence < newest {
		return plan{problems: []error{ErrOlder}}, nil
	}
	now := named(found, at)
	now.Bucket, now.Sequence = snapshot.Bucket, snapshot.Sequence
	if now != found {
		p.registry = &now
	}
	known, err := knownOf(tx, snapshot.Bucket)
	if err == nil && found.Bucket != snapshot.Bucket {
		err = p.inherit(tx, known, found.Bucket, snapshot.Bucket)
	}
	if err != nil {
		return plan{}, err
	}
	for _, in := range s.next(&p, known, snapshot) {
		saved, err := in.isSaved(tx)
		if err != nil {
			return plan{}, err
		}
		if !saved {
			p.puts = append(p.puts, in)
		}
	}
	return p, nil
}

// inherit takes over what is known of the bucket that was at the same place before,
// but for what the new one has already.
func (p *plan) inherit(tx *store.Tx, known map[string]kept, predecessor, bucket string) error {
	all, err := tx.SharedInBucket(predecessor)
	if err != nil {
		return err
	}
	places, err := placesOf(tx, predecessor)
	for _, old := range all {
		if places <= 1 { // nothing else leads there
			p.drops = append(p.drops, old)
		}
		if _, ok := known[old.ID]; ok || old.Unseen {
			continue
		}
		clientSecret, err := tx.SharedSecret(predecessor, old.ID)
		if errors.Is(err, store.ErrKeyLost) {
			old.Problem, err = "the key that sealed it on this machine is lost", nil
		}
		if err != nil {
			return err
		}
		old.Bucket, old.Revision = bucket, 0
		known[old.ID] = kept{Shared: old, secret: clientSecret}
	}
	return err
}

// next returns what is to be kept of a bucket, given what is known of it so far.
func (s *Shared) next(p *plan, known map[string]kept, snapshot registry.Snapshot) (list []kept) {
	for _, e := range snapshot.Entries {
		old, isKnown := known[e.ID]
		delete(known, e.ID)
		in, err := s.check(e)
		if err != nil {
			p.problems = append(p.problems, fmt.Errorf("%s in the team's registry does not count: %w", e.ID, err))
			if id, err := s.Provider.NormalizeURL(e.ID); err != nil || id != e.ID {
				continue // nobody can ask for it
			}
			list = append(list, old.unusable(e, snapshot.Bucket, err, isKnown))
			continue
		}
		in.Confidential = e.Confidential
		now := kept{
			Shared: store.Shared{Instance: in, Bucket: snapshot.Bucket, Revision: e.Revision, Problem: text(e.Problem)},
			secret: e.ClientSecret,
		}
		if e.Problem != nil && isKnown && old.opened(e.Revision) { // another window has the team's key
			now = old
			now.Withdrawn = false
		}
		list = append(list, now)
	}
	for _, old := range known {
		switch {
		case old.Unseen:
			p.drops = append(p.drops, old.Shared)
			continue
		case old.Revision != 0:
			old.Withdrawn = true
		}
		list = append(list, old)
	}
	return list
}

// check makes an instance of an entry.
func (s *Shared) check(e registry.Entry) (store.Instance, error) {
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

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
