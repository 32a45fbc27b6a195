package team

import (
	"errors"
	"slices"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// ResolveLast is Resolve for whoever signs out: it also returns an instance that no
// source names any more, or about which files disagree, as long as somebody is
// signed in to it.
func (d *Directory) ResolveLast(url string) (Instance, error) {
	in, err := d.Resolve(url)
	if !errors.Is(err, protocol.NotConfigured) && !errors.Is(err, protocol.Conflict) {
		return in, err
	}
	left, leftErr := d.left(url)
	if leftErr != nil {
		return Instance{}, leftErr
	}
	if len(left) == 0 {
		return Instance{}, err
	}
	return only(left)
}

// left returns the instances that have accounts: the one with a URL, or for an empty
// one all.
func (d *Directory) left(url string) (left []Instance, err error) {
	id := ""
	if url != "" {
		if id, err = d.provider.NormalizeURL(url); err != nil {
			return nil, err
		}
	}
	err = d.store.View(func(tx *store.Tx) error {
		accounts, err := tx.Accounts()
		for _, account := range accounts {
			in := Instance{Instance: store.Instance{ID: account.Instance}}
			if (id == "" || in.ID == id) && !slices.ContainsFunc(left, func(other Instance) bool { return other.ID == in.ID }) {
				left = append(left, in)
			}
		}
		return err
	})
	return left, err
}
