// Package team says which instances there are and where each comes from. One
// person enters an instance; whoever else has the same source has it too.
//
// Sources stand in order of precedence: an instance that an earlier one has is
// not taken from a later one. There is one so far, the machine's own store.
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

// Instance is an instance with where it comes from.
type Instance struct {
	store.Instance
	Source protocol.Source
}

// Source is one place that instances come from. It answers from what is known
// here, and never waits for a network.
type Source interface {
	// Name is what the instances show as their source.
	Name() protocol.Source
	// Instances lists them in a stable order.
	Instances() ([]store.Instance, error)
}

// Directory is all sources as one.
type Directory struct {
	provider providers.Provider
	sources  []Source
}

// NewDirectory makes a directory of sources, the strongest first.
func NewDirectory(provider providers.Provider, sources ...Source) *Directory {
	return &Directory{provider, sources}
}

// List returns all instances in the order of their ids.
func (d *Directory) List() ([]Instance, error) {
	var all []Instance
	seen := make(map[string]bool)
	for _, source := range d.sources {
		instances, err := source.Instances()
		if err != nil {
			return nil, err
		}
		for _, in := range instances {
			if !seen[in.ID] {
				seen[in.ID] = true
				all = append(all, Instance{in, source.Name()})
			}
		}
	}
	slices.SortFunc(all, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Resolve returns the instance with that URL, in whatever spelling; for an empty
// one the only instance that there is. It returns NotConfigured where there is
// none, and InvalidParams where one of several has to be named.
func (d *Directory) Resolve(url string) (Instance, error) {
	all, err := d.List()
	if err != nil {
		return Instance{}, err
	}
	if url == "" {
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
	return Instance{}, notConfigured(id+" is not configured", id)
}

func only(all []Instance) (Instance, error) {
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
