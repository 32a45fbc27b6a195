package store

import (
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Tx is a transaction. It is valid only within the function it was handed to.
type Tx struct {
	store *Store
	bolt  *bolt.Tx // nil: the store does not exist yet
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

func decode[T any](key, data []byte) (T, error) {
	var value T
	if err := json.Unmarshal(data, &value); err != nil {
		return value, fmt.Errorf("%w: record %q: %w", errDamaged, key, err)
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
	for key, data := cursor.Seek(prefix); hasPrefix(key, prefix); key, data = cursor.Next() {
		value, err := decode[T](key, data)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

func hasPrefix(key, prefix []byte) bool {
	return key != nil && len(key) >= len(prefix) && string(key[:len(prefix)]) == string(prefix)
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

// secret returns an unsealed secret. It returns ErrNotFound where there is none
// and ErrKeyLost where it can no longer be opened.
func (tx *Tx) secret(key []byte) ([]byte, error) {
	b := tx.bucket(bucketSecrets)
	if b == nil {
		return nil, ErrNotFound
	}
	sealed := b.Get(key)
	if sealed == nil {
		return nil, ErrNotFound
	}
	dataKey, err := tx.store.keys.get()
	if err != nil {
		return nil, err
	}
	return unseal(dataKey, key, sealed)
}

func (tx *Tx) putSecret(key, plain []byte) error {
	dataKey, err := tx.store.keys.getOrCreate()
	if err != nil {
		return tx.store.unusable(err)
	}
	sealed, err := seal(dataKey, key, plain)
	if err != nil {
		return err
	}
	return putBytes(tx, bucketSecrets, key, sealed)
}

var errInvalidID = errors.New("store: an id must not be empty or have a line feed")
