package store

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// ErrKeyLost says that a secret is there but its key is not, or is another. The
// secret is gone for good: the user has to sign in, or to configure, again.
var ErrKeyLost = errors.New("store: the key of this secret is lost")

// ErrKeyLocked says that a secret is there but its key cannot be had now: the
// keyring that holds it is locked, absent, or does not answer. Nothing is lost:
// the user unlocks the keyring and tries again.
var ErrKeyLocked = errors.New("the keyring with the key cannot be asked now")

// seal encrypts plain with AES-256-GCM (NIST SP 800-38D) under a random nonce.
// place is authenticated with it. The result is the key's id, the nonce, and the
// ciphertext.
func seal(key dataKey, place, plain []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(key.id[:], nil, plain, place), nil
}

// sealedBy returns the id of the key that a record was sealed with.
func sealedBy(sealed []byte) (id keyID, err error) {
	if copy(id[:], sealed) < len(id) {
		return id, fmt.Errorf("%w: the record is cut short", ErrKeyLost)
	}
	return id, nil
}

// unseal undoes seal. It returns ErrKeyLost for another key, another place, or
// bytes that were changed.
func unseal(key dataKey, place, sealed []byte) ([]byte, error) {
	id, err := sealedBy(sealed)
	if err != nil || id != key.id {
		return nil, ErrKeyLost
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed[len(id):], place)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyLost, err)
	}
	return plain, nil
}

func newAEAD(key dataKey) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key.bytes[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
