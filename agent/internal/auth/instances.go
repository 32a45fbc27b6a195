package auth

import (
	"errors"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// Instances says what is configured, wherever it comes from. Its methods read in a
// transaction that is under way, so that what they say holds until its end.
type Instances interface {
	// Instance returns the instance with that id, or store.ErrNotFound where there is
	// none. An error of the protocol says why it may not be used.
	Instance(tx *store.Tx, id string) (store.Instance, error)
	// ClientSecret returns the client secret of an instance, empty where it has none.
	// Errors: as of store.Tx.ClientSecret; any other is for the user.
	ClientSecret(tx *store.Tx, id string) (secret.Text, error)
	// Application returns an instance as it is for an account whose tokens the
	// application with that client id has issued, with its secret: be it that another
	// one counts by now, or none. Where nothing is known of the instance, it is no more
	// than its id. Errors: as of ClientSecret.
	Application(tx *store.Tx, id, clientID string) (store.Instance, secret.Text, error)
}

// instance returns an account's instance, or SignInRequired where it is gone.
func (m *Manager) instance(id string) (in store.Instance, err error) {
	err = m.Store.View(func(tx *store.Tx) error {
		in, err = m.Instances.Instance(tx, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = NotSignedIn(id)
	}
	return in, err
}
