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
	// none that may be used.
	Instance(tx *store.Tx, id string) (store.Instance, error)
	// ClientSecret returns the client secret of an instance, empty where it has none.
	// Errors: as of store.Tx.ClientSecret; any other is for the user.
	ClientSecret(tx *store.Tx, id string) (secret.Text, error)
}

// stored are the instances of the store alone.
type stored struct{}

func (stored) Instance(tx *store.Tx, id string) (store.Instance, error) { return tx.Instance(id) }

func (stored) ClientSecret(tx *store.Tx, id string) (secret.Text, error) { return tx.ClientSecret(id) }

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
