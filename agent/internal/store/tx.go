package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
)

// Tx is a transaction. It is valid only within the function it was handed to.
type Tx struct {
	store *Store
	bolt  *bolt.Tx // nil: the store does not exist yet
	call  *call

	sealing *dataKey // what this transaction seals with, once it is known
}

func (tx *Tx) bucket(name []byte) *bolt.Bucket {
	if tx.bolt == nil {
		return nil
	}
	return tx.bolt.Bucket(name)
}

func get[T any](tx *Tx, bucket, key []byte) (T, error) {
	var value T
	b := tx.bucket(bucket)
	if b == nil {
		return value, ErrNotFound
	}
	data := b.Get(key)
	if data == nil {
		return value, ErrNotFound
	}
	return decode[T](key, data)
}

// keyed is a record that has its key in it.
type keyed interface{ recordKey() []byte }

// decode reads a record. One that lies under another's key is damaged: secrets
// are bound to the key, and what is shown must not be another's.
func decode[T any](key, data []byte) (T, error) {
	var value T
	if err := json.Unmarshal(data, &value); err != nil {
		return value, fmt.Errorf("%w: record %q: %w", errDamaged, key, err)
	}
	if k, ok := any(value).(keyed); ok && !bytes.Equal(k.recordKey(), key) {
		return value, fmt.Errorf("%w: record %q is that of %q", errDamaged, key, k.recordKey())
	}
	return value, nil
}

// list returns the records whose keys begin with prefix, in the order of keys.
func list[T any](tx *Tx, bucket, prefix []byte) ([]T, error) {
	var values []T
	b := tx.bucket(bucket)
	if b == nil {
		return nil, nil
	}
	cursor := b.Cursor()
	for key, data := cursor.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, data = cursor.Next() {
		value, err := decode[T](key, data)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

func put(tx *Tx, bucket, key []byte, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return putBytes(tx, bucket, key, data)
}

func putBytes(tx *Tx, bucket, key, data []byte) error {
	b, err := tx.bolt.CreateBucketIfNotExists(bucket)
	if err != nil {
		return err
	}
	return b.Put(key, data)
}

func remove(tx *Tx, bucket, key []byte) error {
	b := tx.bucket(bucket)
	if b == nil {
		return nil
	}
	return b.Delete(key)
}

// secret returns an unsealed secret. It returns ErrNotFound where there is none,
// ErrKeyLost where it can no longer be opened, and ErrKeyLocked where it cannot be
// opened now.
func (tx *Tx) secret(place []byte) ([]byte, error) {
	b := tx.bucket(bucketSecrets)
	if b == nil {
		return nil, ErrNotFound
	}
	sealed := b.Get(place)
	if sealed == nil {
		return nil, ErrNotFound
	}
	id, err := sealedBy(sealed)
	if err != nil {
		return nil, err
	}
	key, err := tx.key(id)
	if err != nil {
		return nil, err
	}
	return unseal(key, place, sealed)
}

func (tx *Tx) putSecret(place, plain []byte) error {
	key, err := tx.sealingKey()
	if err != nil {
		return err
	}
	sealed, err := seal(key, place, plain)
	if err != nil {
		return err
	}
	return putBytes(tx, bucketSecrets, place, sealed)
}

// seen tells of secrets that are in memory now.
func (tx *Tx) seen(secrets ...secret.Text) {
	for _, text := range secrets {
		if tx.store.Seen != nil && !text.IsEmpty() {
			tx.store.Seen(text)
		}
	}
}

var errInvalidID = errors.New("store: an id must not be empty or have a line feed")
