package store

import (
	"errors"
	"net/url"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Instance is what is kept of a configured instance, but for its secrets.
type Instance struct {
	// ID is the normalised base URL.
	ID           string           `json:"id"`
	Name         string           `json:"name"`
	ClientID     string           `json:"clientId,omitempty"`
	Confidential bool             `json:"confidential,omitempty"`
	RedirectURI  string           `json:"redirectUri,omitempty"`
	Scopes       []string         `json:"scopes,omitempty"`
	SSHHosts     []string         `json:"sshHosts,omitempty"`
	Network      protocol.Network `json:"network,omitzero"`
	// ProxySealed is true where Network.Proxy is kept without its user and password,
	// and sealed with them: see [Tx.Proxy].
	ProxySealed bool `json:"proxySealed,omitempty"`
	AllowHTTP   bool `json:"allowHttp,omitempty"`
	// Learnt is kept apart, since it is the same wherever the instance comes from.
	Learnt `json:"-"`
}

// Learnt is what an instance was found to be. It is no setting: it is learnt again
// when the instance's version changes, and a new configuration keeps it.
type Learnt struct {
	// Version is GitLab's own, as last seen.
	Version string `json:"version,omitempty"`
	// VersionAt is when it was seen.
	VersionAt time.Time `json:"versionAt,omitzero"`
	// NoDeviceGrant is true where the instance was seen to lack the device
	// authorization grant.
	NoDeviceGrant bool `json:"noDeviceGrant,omitempty"`
}

func (in Instance) recordKey() []byte { return instanceKey(in.ID) }

// Instances lists all instances in the order of their ids.
func (tx *Tx) Instances() ([]Instance, error) {
	instances, err := list[Instance](tx, bucketInstances, nil)
	for i := range instances {
		err = errors.Join(err, tx.addLearnt(&instances[i]))
	}
	return instances, err
}

// Instance returns the instance with that id, or ErrNotFound.
func (tx *Tx) Instance(id string) (Instance, error) {
	in, err := get[Instance](tx, bucketInstances, instanceKey(id))
	if err == nil {
		err = tx.addLearnt(&in)
	}
	return in, err
}

func (tx *Tx) addLearnt(in *Instance) (err error) {
	in.Learnt, err = tx.Learnt(in.ID)
	return err
}

// PutInstance saves an instance with its client secret, which is empty for a
// non-confidential application. A proxy with a user is sealed as a whole: so a
// password goes to no other proxy than the one that it was configured for.
func (tx *Tx) PutInstance(in Instance, clientSecret secret.Text) error {
	if !validKey(in.ID) {
		return errInvalidID
	}
	tx.seen(clientSecret)
	in.Confidential = !clientSecret.IsEmpty()
	bare, proxy, err := splitProxy(in.Network.Proxy)
	if err != nil {
		return err
	}
	tx.seen(secret.PasswordIn(proxy.Reveal()))
	in.Network.Proxy, in.ProxySealed = bare, !proxy.IsEmpty()
	if err := put(tx, bucketInstances, instanceKey(in.ID), in); err != nil {
		return err
	}
	if err := tx.setSecret(clientSecretKey(in.ID), clientSecret); err != nil {
		return err
	}
	return tx.setSecret(proxyKey(in.ID), proxy)
}

// splitProxy returns a proxy without its user, and where it has one the whole of it.
func splitProxy(proxy string) (bare string, whole secret.Text, err error) {
	u, err := url.Parse(proxy)
	if err != nil { // whose text has the password
		return "", secret.Text{}, errors.New("store: the proxy is not a URL")
	}
	if u.User == nil {
		return proxy, secret.Text{}, nil
	}
	u.User = nil
	return u.String(), secret.New(proxy), nil
}

// setSecret seals a secret, or forgets it where it is empty.
func (tx *Tx) setSecret(place []byte, s secret.Text) error {
	if s.IsEmpty() {
		return remove(tx, bucketSecrets, place)
	}
	return tx.putSecret(place, []byte(s.Reveal()))
}

// SetVersion notes the version that an instance told at a time. What else was
// learnt of another version is forgotten.
func (tx *Tx) SetVersion(id, version string, at time.Time) error {
	return tx.learn(id, func(l *Learnt) {
		if l.Version != version {
			*l = Learnt{Version: version}
		}
		l.VersionAt = at
	})
}

// SetNoDeviceGrant notes whether an instance lacks the device authorization grant.
func (tx *Tx) SetNoDeviceGrant(id string, lacks bool) error {
	return tx.learn(id, func(l *Learnt) { l.NoDeviceGrant = lacks })
}

// learn changes what is known of an instance.
func (tx *Tx) learn(id string, change func(*Learnt)) error {
	before, err := tx.Learnt(id)
	if err != nil {
		return err
	}
	after := before
	if change(&after); after == before {
		return nil
	}
	return put(tx, bucketLearnt, instanceKey(id), after)
}

// Learnt returns what an instance was found to be, wherever it is configured.
func (tx *Tx) Learnt(id string) (Learnt, error) {
	learnt, err := get[Learnt](tx, bucketLearnt, instanceKey(id))
	if errors.Is(err, ErrNotFound) {
		return Learnt{}, nil
	}
	return learnt, err
}

// ClientSecret returns the instance's client secret, which is empty where there
// is none. It returns ErrKeyLost where it can no longer be opened, and
// ErrKeyLocked where it cannot be opened now.
func (tx *Tx) ClientSecret(id string) (secret.Text, error) {
	return tx.clientSecret(clientSecretKey(id))
}

func (tx *Tx) clientSecret(place []byte) (secret.Text, error) {
	plain, err := tx.secret(place)
	if errors.Is(err, ErrNotFound) {
		return secret.Text{}, nil
	}
	clientSecret := secret.New(string(plain))
	tx.seen(clientSecret)
	return clientSecret, err
}

// Proxy returns the sealed proxy of an instance with its user and password. It is
// empty where none is sealed. It returns ErrKeyLost where it can no longer be
// opened, and ErrKeyLocked where it cannot be opened now.
func (tx *Tx) Proxy(id string) (secret.Text, error) {
	plain, err := tx.secret(proxyKey(id))
	if errors.Is(err, ErrNotFound) {
		return secret.Text{}, nil
	}
	proxy := secret.New(string(plain))
	tx.seen(secret.PasswordIn(proxy.Reveal()))
	return proxy, err
}

// DropInstance forgets what was configured of an instance on this machine, and
// keeps its accounts: another source has it.
func (tx *Tx) DropInstance(id string) error {
	return errors.Join(
		remove(tx, bucketSecrets, clientSecretKey(id)),
		remove(tx, bucketSecrets, proxyKey(id)),
		remove(tx, bucketInstances, instanceKey(id)),
	)
}

// DeleteInstance forgets an instance, its accounts and all their secrets.
func (tx *Tx) DeleteInstance(id string) error {
	accounts, err := tx.AccountsOf(id)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if err := tx.DeleteAccount(account.Key()); err != nil {
			return err
		}
	}
	return errors.Join(
		remove(tx, bucketSecrets, clientSecretKey(id)),
		remove(tx, bucketSecrets, proxyKey(id)),
		remove(tx, bucketInstances, instanceKey(id)),
		remove(tx, bucketLearnt, instanceKey(id)),
	)
}
