// Package team says which instances there are and where each comes from. One
// person enters an instance; whoever else has the same source has it too.
//
// Sources stand in order of precedence: the machine's policy, which an
// administrator rolls out; the machine's own store; the team's registry; files in
// the workspace. An instance that an earlier one has is not taken from a later one.
// Where the two say the same, that is one instance; where they differ, the stronger
// counts and says so.
//
// Start at [Directory].
package team

import (
	"fmt"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// Source is one place that instances come from. It answers from what is known
// here, and never waits for a network.
type Source interface {
	// Name is what the instances show as their source.
	Name() protocol.Source
	// Find lists them in a stable order. What it reads of the store it reads in the
	// transaction. Its error means that nobody can tell.
	Find(tx *store.Tx) (Found, error)
}

// fileSource is a source that is in files. They can be slow, or hang for ever, on a
// machine that is gone, say: so they are read on their own, and not while a
// transaction holds up every other window.
type fileSource interface {
	Source
	// Load reads the files, from which Find then answers. It takes a second at most,
	// and keeps what a file said before that does not answer.
	Load()
	// Paths lists what to watch for changes.
	Paths() []string
}

// Directory is all sources as one.
type Directory struct {
	store    *store.Store
	provider providers.Provider
	sources  []Source
}

// NewDirectory makes a directory of sources, the strongest first.
func NewDirectory(st *store.Store, provider providers.Provider, sources ...Source) *Directory {
	return &Directory{st, provider, sources}
}

// List returns all instances in the order of their ids.
func (d *Directory) List() ([]Instance, error) {
	found, err := d.Survey()
	return found.Instances, err
}

// Survey returns all instances in the order of their ids, and what is wrong with
// those that do not count.
func (d *Directory) Survey() (all Found, err error) {
	d.Load()
	err = d.store.View(func(tx *store.Tx) error {
		all, err = d.SurveyIn(tx)
		return err
	})
	return all, err
}

// Load reads the files of the sources. It takes about a second at most.
func (d *Directory) Load() {
	for _, source := range d.files() {
		source.Load()
	}
}

// Paths lists what to watch for changes of the sources.
func (d *Directory) Paths() (paths []string) {
	for _, source := range d.files() {
		paths = append(paths, source.Paths()...)
	}
	return paths
}

func (d *Directory) files() (files []fileSource) {
	for _, source := range d.sources {
		if f, ok := source.(fileSource); ok {
			files = append(files, f)
		}
	}
	return files
}

// SurveyIn is Survey in a transaction, together with which it sees the store. Files
// count as they were when they were last loaded.
func (d *Directory) SurveyIn(tx *store.Tx) (all Found, err error) {
	for _, source := range d.sources {
		found, err := source.Find(tx)
		if err != nil {
			return Found{}, err
		}
		all.Incomplete = all.Incomplete || found.Incomplete
		for _, problem := range found.Problems {
			all.Problems = append(all.Problems, sourced{source.Name(), problem})
		}
		for _, in := range found.Instances {
			all.include(in)
		}
	}
	for i := range all.Instances {
		in := &all.Instances[i]
		if in.Learnt, err = tx.Learnt(in.ID); err != nil {
			return Found{}, err
		}
	}
	slices.SortFunc(all.Instances, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Instance returns the instance with that id; store.ErrNotFound where there is none,
// Untrusted where it may not be used, and Conflict where files disagree about it.
// Files count as they were when they were last loaded.
func (d *Directory) Instance(tx *store.Tx, id string) (store.Instance, error) {
	in, err := d.find(tx, id)
	return in.Instance, err
}

func (d *Directory) find(tx *store.Tx, id string) (Instance, error) {
	all, err := d.SurveyIn(tx)
	if err != nil {
		return Instance{}, err
	}
	in, dispute := all.byID(id), all.dispute(id)
	switch {
	case in != nil && in.NeedsApproval:
		return Instance{}, Untrusted(*in)
	case in != nil:
		return *in, nil
	case dispute != nil:
		return Instance{}, dispute
	}
	return Instance{}, store.ErrNotFound
}

// Resolve returns the instance with that URL, in whatever spelling; for an empty
// one the only instance that there is. It returns NotConfigured where there is
// none, Conflict where files of the workspace disagree about it, and InvalidParams
// where one of several has to be named.
func (d *Directory) Resolve(url string) (Instance, error) {
	found, err := d.Survey()
	if err != nil {
		return Instance{}, err
	}
	all := found.Instances
	if url == "" {
		if dispute := found.dispute(""); len(all) == 0 && dispute != nil {
			return Instance{}, dispute
		}
		return only(all)
	}
	id, err := d.provider.NormalizeURL(url)
	if err != nil {
		return Instance{}, err
	}
	for _, in := range all {
		if in.ID == id {
			return in, nil
		}
	}
	if dispute := found.dispute(id); dispute != nil {
		return Instance{}, dispute
	}
	return Instance{}, notConfigured(id+" is not configured", id)
}

// only returns the only instance that there is, or the only one that may be used.
func only(all []Instance) (Instance, error) {
	usable := slices.DeleteFunc(slices.Clone(all), func(in Instance) bool { return in.NeedsApproval })
	if len(usable) > 0 {
		all = usable
	}
	switch len(all) {
	case 0:
		return Instance{}, notConfigured("no GitLab instance is configured", "")
	case 1:
		return all[0], nil
	}
	ids := make([]string, len(all))
	for i, in := range all {
		ids[i] = in.ID
	}
	return Instance{}, &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("there are %d instances: %s", len(all), strings.Join(ids, ", ")),
		Hint:    "Say which with the parameter instance.",
	}
}

func notConfigured(message, id string) error {
	return &protocol.Error{
		Code:     protocol.NotConfigured,
		Message:  message,
		Hint:     "Configure it with gitlabSM/configure: the URL, and the application ID and secret from the administrator.",
		Instance: id,
	}
}
