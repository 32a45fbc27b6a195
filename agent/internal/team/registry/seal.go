package registry

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
)

// keySize makes AES-256.
const keySize = 32

// teamKey seals the client secrets in the bucket; nil where the member has none.
type teamKey []byte

// NewTeamKey makes a key for a team, as the block that a credentials file has.
func NewTeamKey() string {
	key := make([]byte, keySize)
	rand.Read(key)
	return "-----BEGIN CODESTREAM TEAM KEY-----\n" + base64.StdEncoding.EncodeToString(key) + "\n------END CODESTREAM TEAM KEY------\n"
}

// sealed is a client secret in the bucket.
type sealed struct {
	// Key names the team's key that it is sealed with, and tells nothing of it.
	Key string `json:"key"`
	// Box is the nonce and what AES-256-GCM has made of the secret.
	Box []byte `json:"box"`
}

// id names a key: half of the SHA-256 of a text that only this use has.
func (k teamKey) id() string {
	sum := sha256.Sum256(append([]byte("codestream team key\n"), k...))
	return hex.EncodeToString(sum[:8])
}

// seal seals a secret. It is bound to its place and to the application: whoever
// can write to the bucket without having the key cannot have the secret of one
// instance sent to another.
func (k teamKey) seal(secret, place, clientID string) (sealed, error) {
	box, err := k.cipher()
	if err != nil {
		return sealed{}, err
	}
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce)
	return sealed{k.id(), box.Seal(nonce, nonce, []byte(secret), bound(place, clientID))}, nil
}

var (
	errNoTeamKey    = errors.New("the credentials file has no team key")
	errOtherTeamKey = errors.New("it is sealed with another team key than that of the credentials file")
	errNotSealed    = errors.New("the sealed secret is damaged, or was moved here from another instance")
)

func (k teamKey) open(s sealed, place, clientID string) (string, error) {
	switch {
	case k == nil:
		return "", errNoTeamKey
	case s.Key != k.id():
		return "", errOtherTeamKey
	}
	box, err := k.cipher()
	if err != nil {
		return "", err
	}
	if len(s.Box) < box.NonceSize() {
		return "", errNotSealed
	}
	plain, err := box.Open(nil, s.Box[:box.NonceSize()], s.Box[box.NonceSize():], bound(place, clientID))
	if err != nil {
		return "", errNotSealed
	}
	return string(plain), nil
}

func (k teamKey) cipher() (cipher.AEAD, error) {
	if k == nil {
		return nil, errNoTeamKey
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func bound(place, clientID string) []byte { return []byte(place + "\n" + clientID) }
