package store

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

// Keyring keeps data keys outside the data directory. Its methods may block for
// a moment, and are never called within a transaction.
type Keyring interface {
	// Get returns the value kept under id. found is false only where there surely
	// is none; where nobody can tell, Get returns an error that says why.
	Get(id string) (value []byte, found bool, err error)
	// Set keeps a value under id.
	Set(id string, value []byte) error
	// Delete forgets what is kept under id, which may be nothing.
	Delete(id string) error
}

// Place says where a data key lies. It is empty while there is none.
type Place string

// The values of [Place].
const (
	PlaceKeyring Place = "keyring" // in the system's keyring
	PlaceFile    Place = "file"    // in a file beside the store
)

// keyID names a data key. Each record begins with the id of its key, so that
// several keys can be in use while secrets move from one to another, and so that
// no process ever takes one key for another.
type keyID [16]byte

// legacyKey is the one key of schema 1, which had no id.
var legacyKey keyID

func (id keyID) String() string { return hex.EncodeToString(id[:]) }

// keySize makes AES-256.
const keySize = 32

// A dataKey seals secrets.
type dataKey struct {
	id    keyID
	bytes [keySize]byte
}

func newDataKey() (key dataKey) {
	rand.Read(key.id[:])
	rand.Read(key.bytes[:])
	return key
}

// A keyNote is what the store knows of a data key. It is written before the key
// is, and removed after the key is gone, so that no crash leaves a key behind of
// which nobody knows.
type keyNote struct {
	Place Place `json:"place"`
	// MadeAt is set while the key is not in use yet: its maker still writes it, or
	// has died.
	MadeAt time.Time `json:"madeAt,omitzero"`
	// Doomed is set when the key is in no use any more. It never is again.
	Doomed bool `json:"doomed,omitempty"`
}

// makingTime is how long a key that is not in use yet is left to its maker, who
// needs a few answers of a keyring. Taken away too early, another is made.
const makingTime = time.Minute

// keyCache holds the keys that this process has seen. They are never wrong, since
// an id always means the same key.
type keyCache struct {
	mu   sync.Mutex // guards keys
	keys map[keyID]dataKey
}

func (c *keyCache) get(id keyID) (dataKey, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, ok := c.keys[id]
	return key, ok
}

func (c *keyCache) put(key dataKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = make(map[keyID]dataKey)
	}
	c.keys[key.id] = key
}
