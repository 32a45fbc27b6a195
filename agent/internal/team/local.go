package team

import (
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Local is the machine's own store as a source.
type Local struct{}

// Name returns "local".
func (Local) Name() protocol.Source { return protocol.SourceLocal }

// Find lists what was configured on this machine.
func (Local) Find(tx *store.Tx) (found Found, err error) {
	list, err := tx.Instances()
	for _, in := range list {
		found.Instances = append(found.Instances, Instance{Instance: in, Source: protocol.SourceLocal})
	}
	return found, err
}

// ClientSecret returns the client secret of an instance.
func (Local) ClientSecret(tx *store.Tx, id string) (secret.Text, error) { return tx.ClientSecret(id) }
