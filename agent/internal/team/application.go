package team

import (
	"errors"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// A confidant is a source whose instances can have a client secret. Files have none.
type confidant interface {
	ClientSecret(tx *store.Tx, id string) (secret.Text, error)
}

// ClientSecret returns the client secret of an instance that may be used. Where a file
// has it, which cannot have the secret, that is the one which this machine has of the
// same application.
func (d *Directory) ClientSecret(tx *store.Tx, id string) (secret.Text, error) {
	in, err := d.find(tx, id)
	if err != nil {
		return secret.Text{}, err
	}
	return d.secretOf(tx, in)
}

func (d *Directory) secretOf(tx *store.Tx, in Instance) (secret.Text, error) {
	for _, source := range d.sources {
		if c, ok := source.(confidant); ok && source.Name() == in.Source {
			return c.ClientSecret(tx, in.ID)
		}
	}
	if in.Source != protocol.SourcePolicy { // nobody has approved that a repository uses a secret
		return secret.Text{}, nil
	}
	other, err := holderOf(tx, in.ID, in.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return secret.Text{}, nil
	}
	return other.secret, err
}

// Application returns an instance with the application that issued an account's
// tokens, and its client secret: another one may count by now, or none, and the
// tokens are still to be renewed or revoked. Of an instance of which nothing is known,
// or that the user has not let be used, it is no more than where it is. A personal
// access token is no application's: clientID is then empty.
func (d *Directory) Application(tx *store.Tx, id, clientID string) (store.Instance, secret.Text, error) {
	in, err := d.find(tx, id)
	if err == nil && in.ClientID == clientID {
		clientSecret, err := d.secretOf(tx, in)
		return in.Instance, clientSecret, err
	}
	counts := err == nil
	if !counts && !mayNotBeUsed(err) {
		return store.Instance{}, secret.Text{}, err
	}
	other, err := holderOf(tx, id, clientID)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return store.Instance{}, secret.Text{}, err
	case err != nil:
		other.Instance = store.Instance{ID: id}
	}
	if counts { // which says how it is reached
		other.Instance = in.Instance
	}
	other.ClientID = clientID
	return other.Instance, other.secret, nil
}

func mayNotBeUsed(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, protocol.Untrusted) || errors.Is(err, protocol.Conflict)
}

// held is an instance that the store has, of whatever source.
type held struct {
	store.Instance
	secret secret.Text
}

// holderOf returns what the store has of an instance with that application, or
// store.ErrNotFound: also what a stronger source hides, what another team has, and
// what was withdrawn.
func holderOf(tx *store.Tx, id, clientID string) (held, error) {
	local, err := tx.Instance(id)
	if err == nil && local.ClientID == clientID {
		clientSecret, err := tx.ClientSecret(id)
		return held{local, clientSecret}, err
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return held{}, err
	}
	all, err := tx.SharedInstances()
	if err != nil {
		return held{}, err
	}
	var found *store.Shared
	for _, in := range all {
		if in.ID == id && in.ClientID == clientID && !in.Unseen && (found == nil || in.Counts()) {
			found = &in
		}
	}
	if found == nil {
		return held{}, store.ErrNotFound
	}
	clientSecret, err := sharedSecret(tx, *found)
	return held{found.Instance, clientSecret}, err
}

// Serves reports whether an account still has what it was signed in by: an instance
// that this window may use, or one that is configured on this machine, or that a
// registry has which another window has in use. For tokens of GitLab's it has to be
// the application that issued them.
func (d *Directory) Serves(tx *store.Tx, account store.Account) (bool, error) {
	isOf := func(in store.Instance) bool {
		return in.ID == account.Instance && (account.Method == protocol.MethodToken || in.ClientID == account.ClientID)
	}
	in, err := d.find(tx, account.Instance)
	if err == nil && isOf(in.Instance) || err != nil && !mayNotBeUsed(err) {
		return err == nil, err
	}
	local, err := tx.Instance(account.Instance)
	if err == nil && isOf(local) || err != nil && !errors.Is(err, store.ErrNotFound) {
		return err == nil, err
	}
	registries, err := namedWithin(tx, 2*namedEvery)
	for _, r := range registries {
		shared, err := tx.SharedInstance(r.Bucket, account.Instance)
		if err == nil && shared.Counts() && isOf(shared.Instance) || err != nil && !errors.Is(err, store.ErrNotFound) {
			return err == nil, err
		}
	}
	return false, err
}
