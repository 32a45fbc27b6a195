package agent

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// transport returns the way to an instance.
func (a *Agent) transport(in store.Instance) (http.RoundTripper, error) {
	network, err := a.networkWithPassword(in)
	if err != nil {
		return nil, err
	}
	return a.transports.Get(network)
}

// network returns the network settings of an instance: field by field its own,
// else the editor's. A client certificate and its key are one setting.
func (a *Agent) network(in store.Instance) protocol.Network {
	a.mu.Lock()
	var merged protocol.Network
	if a.options.Network != nil {
		merged = *a.options.Network
	}
	a.mu.Unlock()
	own := in.Network
	merged.Proxy = cmp.Or(own.Proxy, merged.Proxy)
	merged.NoProxy = cmp.Or(own.NoProxy, merged.NoProxy)
	merged.CAFile = cmp.Or(own.CAFile, merged.CAFile)
	if own.ClientCertFile != "" || own.ClientKeyFile != "" {
		merged.ClientCertFile, merged.ClientKeyFile = own.ClientCertFile, own.ClientKeyFile
	}
	return merged
}

// networkWithPassword is network with the user and the password of the instance's
// own proxy, which the store keeps sealed.
func (a *Agent) networkWithPassword(in store.Instance) (protocol.Network, error) {
	network := a.network(in)
	if !in.ProxyPassword {
		return network, nil
	}
	a.mu.Lock()
	s := a.session
	a.mu.Unlock()
	err := s.store.View(func(tx *store.Tx) error {
		credentials, err := tx.ProxyCredentials(in.ID)
		if err == nil {
			network.Proxy = withCredentials(in.Network.Proxy, credentials)
		}
		return err
	})
	return network, protocol.WithInstance(err, in.ID)
}

// withCredentials puts user and password, as they stand in a URL, into a proxy's.
func withCredentials(proxy string, credentials secret.Text) string {
	u, err := url.Parse(proxy)
	if err != nil {
		return proxy // whoever uses it says so
	}
	return u.Scheme + "://" + credentials.Reveal() + "@" + u.Host + u.Path
}
