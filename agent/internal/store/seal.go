package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// ErrKeyLost says that a secret is there but its key is not, or is another. The
// secret is gone for good: the user has to sign in, or to configure, again.
var ErrKeyLost = errors.New("store: the key of this secret is lost")

// keySize makes AES-256.
const keySize = 32

// keyFile is the data key in a file beside the store.
type keyFile struct{ path string }

// get reads the key. It returns ErrKeyLost where there is none.
func (k keyFile) get() ([]byte, error) {
	key, err := os.ReadFile(k.path)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && len(key) != keySize:
		return nil, ErrKeyLost
	case err != nil:
		return nil, err
	}
	return key, nil
}

// getOrCreate reads the key, or makes one. The caller holds the store's lock for
// writing, so no two processes make one at a time.
func (k keyFile) getOrCreate() ([]byte, error) {
	key, err := k.get()
	if !errors.Is(err, ErrKeyLost) {
		return key, err
	}
	key = make([]byte, keySize)
	rand.Read(key)
	return key, k.write(key)
}

// write puts the key in place in one step, so that a crash leaves none or a
// whole one.
func (k keyFile) write(key []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(k.path), "key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(key)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), k.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(k.path))
}

// syncDir puts a rename on disk, so that no power cut leaves a sealed store
// without its key. Where a directory cannot be synced, as on Windows, the file
// system sees to that.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && runtime.GOOS != "windows" {
		return err
	}
	return nil
}

// seal encrypts plain with AES-256-GCM (NIST SP 800-38D) under a random nonce,
// which goes before the result. place is authenticated with it.
func seal(key, place, plain []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, place), nil
}

// unseal undoes seal. It returns ErrKeyLost for another key, another place, or
// bytes that were changed.
func unseal(key, place, sealed []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, place)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyLost, err)
	}
	return plain, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
