package agent

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// transport returns the way to an instance.
func (a *Agent) transport(in store.Instance) (http.RoundTripper, error) {
	n, err := a.network(in)
	if err != nil {
		return nil, err
	}
	return a.transports.Get(n)
}

// network returns the settings with which an instance is reached: its own, and the
// editor's for what it does not set.
func (a *Agent) network(in store.Instance) (protocol.Network, error) {
	own := in.Network
	a.mu.Lock()
	s, editors := a.session, a.options.Network
	a.mu.Unlock()
	if in.ProxySealed {
		proxy, err := s.proxy(in.ID)
		if err != nil {
			return protocol.Network{}, err
		}
		own.Proxy = cmp.Or(proxy.Reveal(), own.Proxy) // empty where it was configured anew meanwhile
	}
	if editors == nil {
		return own, nil
	}
	return providers.Override(*editors, own), nil
}

// proxy returns the sealed proxy of an instance.
func (s *session) proxy(id string) (proxy secret.Text, err error) {
	err = s.store.View(func(tx *store.Tx) (err error) {
		proxy, err = tx.Proxy(id)
		return err
	})
	switch {
	case errors.Is(err, store.ErrKeyLost):
		return proxy, sealedProxy(id, protocol.CauseKeyLost, "the key that seals the password for its proxy is lost",
			"Configure the instance again with network.proxy, its user and its password.", err)
	case errors.Is(err, store.ErrKeyLocked):
		return proxy, sealedProxy(id, protocol.CauseKeyLocked, "the password for its proxy cannot be opened: "+err.Error(),
			"Unlock the keyring (sign in to the desktop session) and try again, or configure the instance again with network.proxy.", err)
	}
	return proxy, err
}

func sealedProxy(instance, cause, problem, hint string, err error) error {
	return &protocol.Error{
		Code:     protocol.HostUnreachable,
		Message:  instance + " cannot be reached: " + problem,
		Hint:     hint,
		Instance: instance,
		Details:  &protocol.ErrorDetails{Cause: cause},
		Err:      err,
	}
}

// seenProxy notes the passwords for the proxies that settings lead to.
func (a *Agent) seenProxy(n protocol.Network) {
	for _, proxy := range providers.Proxies(n) {
		a.seen(secret.PasswordIn(proxy))
	}
}
