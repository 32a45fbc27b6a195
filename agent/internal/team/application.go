package team

import (
	"errors"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// ClientSecret returns the client secret of an instance that may be used, which is
// the store's or the registry's: files have none.
func (d *Directory) ClientSecret(tx *store.Tx, id string) (secret.Text, error) {
	in, err := d.find(tx, id)
	if err != nil {
		return secret.Text{}, err
	}
	return secretOf(tx, in)
}

func secretOf(tx *store.Tx, in Instance) (secret.Text, error) {
	switch in.Source {
	case protocol.SourceLocal:
		return tx.ClientSecret(in.ID)
	case protocol.SourceTeam:
		return sharedSecret(tx, in.ID)
	}
	return secret.Text{}, nil
}

// Application returns an instance with the application that issued an account's
// tokens, and its client secret: another one may count by now, or none, and the
// tokens are still to be renewed or revoked. Of an instance that no source names, or
// that the user has not let be used, it is no more than where it is. A personal access
// token is no application's: clientID is then empty.
func (d *Directory) Application(tx *store.Tx, id, clientID string) (store.Instance, secret.Text, error) {
	in, err := d.find(tx, id)
	if mayNotBeUsed(err) {
		in, err = leaving(tx, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		in, err = Instance{}, nil
		in.ID = id
	}
	if err != nil {
		return store.Instance{}, secret.Text{}, err
	}
	if in.ClientID = clientID; clientID == "" {
		return in.Instance, secret.Text{}, nil
	}
	clientSecret, err := secretOf(tx, in)
	return in.Instance, clientSecret, err
}

func mayNotBeUsed(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, protocol.Untrusted) || errors.Is(err, protocol.Conflict)
}
