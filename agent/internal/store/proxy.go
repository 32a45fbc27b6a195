package store

import (
	"errors"
	"net/url"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// putProxy takes the user and the password out of the proxy of an instance that is
// about to be saved, and seals them.
func (tx *Tx) putProxy(in *Instance) error {
	u, err := url.Parse(in.Network.Proxy)
	if in.ProxyPassword = err == nil && u.User != nil; !in.ProxyPassword {
		return remove(tx, bucketSecrets, proxyKey(in.ID))
	}
	credentials := u.User.String()
	password, _ := u.User.Password()
	tx.seen(secret.New(credentials), secret.New(password))
	u.User = nil
	in.Network.Proxy = u.String()
	return tx.putSecret(proxyKey(in.ID), []byte(credentials))
}

// ProxyCredentials returns the user and the password of an instance's proxy, as
// they stand in its URL.
func (tx *Tx) ProxyCredentials(id string) (secret.Text, error) {
	plain, err := tx.secret(proxyKey(id))
	if err != nil {
		return secret.Text{}, lostProxy(id, err)
	}
	credentials := secret.New(string(plain))
	tx.seen(credentials)
	if u, err := url.Parse("//" + credentials.Reveal() + "@proxy"); err == nil && u.User != nil {
		password, _ := u.User.Password()
		tx.seen(secret.New(password))
	}
	return credentials, nil
}

// lostProxy puts a password that cannot be opened into words.
func lostProxy(id string, err error) error {
	hint := "Configure the instance again, with the proxy's user and password in network.proxy."
	switch {
	case errors.Is(err, ErrKeyLocked):
		hint = "Unlock the keyring (sign in to the desktop session) and try again."
	case !errors.Is(err, ErrKeyLost) && !errors.Is(err, ErrNotFound):
		return err
	}
	return &protocol.Error{
		Code:     protocol.HostUnreachable,
		Message:  "the password of the proxy for " + id + " cannot be opened: " + err.Error(),
		Hint:     hint,
		Instance: id,
		Details:  &protocol.ErrorDetails{Cause: "proxyAuthentication"},
		Err:      err,
	}
}
