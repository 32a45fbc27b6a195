package store

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"time"
)

// errNeedKey ends a transaction that wants a key which is not at hand. The call
// gets the key, and runs the transaction again.
var errNeedKey = errors.New("store: a data key has to be fetched first")

var errNoKeyring = errors.New("there is no keyring")

// A call is one View or Update: what its transactions tell each other.
type call struct {
	// need is what the last transaction wanted, nil where it had all.
	need *need
	// missing are keys that could not be had, and why.
	missing map[keyID]error
	// fresh is a key made for this call. It is in use once a transaction that took
	// it is committed; taken says whether the last one did.
	fresh *freshKey
	taken bool
	// noKeyring is why no key can be put into the keyring now.
	noKeyring error
	// doomed are the keys that the last transaction, which is committed, found in
	// no use.
	doomed map[keyID]Place
}

// A need is a key to fetch from a place, or to make there.
type need struct {
	id    keyID
	place Place
	fresh bool
}

// A freshKey lies in its place, and is not in use yet.
type freshKey struct {
	dataKey
	place Place
}

// wants is where new keys go, as far as this call knows.
func (s *Store) wants(c *call) Place {
	if s.Keyring == nil || s.off.Load() || c.noKeyring != nil {
		return PlaceFile
	}
	return PlaceKeyring
}

// provide gets what the last transaction needed. What cannot be had is noted, so
// that the next one tells it to whoever asks. It fails where not even a key file
// can be made.
func (s *Store) provide(c *call) error {
	n := *c.need
	switch {
	case n.fresh && n.place == PlaceKeyring:
		fresh, err := s.makeInKeyring()
		c.fresh, c.noKeyring = fresh, err
	case n.fresh:
		fresh, err := s.makeKey(PlaceFile, s.writeKeyFile)
		c.fresh = fresh
		return err
	case n.place == PlaceKeyring && c.noKeyring != nil:
		c.miss(n.id, locked(c.noKeyring)) // it need not be asked twice
	default:
		err := s.fetch(n.id, n.place)
		if err != nil {
			c.miss(n.id, err)
		}
		if errors.Is(err, ErrKeyLocked) {
			c.noKeyring = err
		}
	}
	return nil
}

func (c *call) miss(id keyID, err error) {
	if c.missing == nil {
		c.missing = make(map[keyID]error)
	}
	c.missing[id] = err
}

// locked is ErrKeyLocked with its cause.
func locked(cause error) error {
	if errors.Is(cause, ErrKeyLocked) {
		return cause
	}
	return fmt.Errorf("%w: %w", ErrKeyLocked, cause)
}

// fetch puts a key into the cache, from where it lies. Many requests at once ask
// once: each question may be one to the user.
func (s *Store) fetch(id keyID, place Place) error {
	_, err, _ := s.asking.Do(id.String(), func() (any, error) {
		if _, ok := s.keys.get(id); ok {
			return nil, nil
		}
		read := s.readKeyFile
		if place == PlaceKeyring {
			read = s.readKeyring
		}
		key, err := read(id)
		if err == nil {
			s.keys.put(key)
		}
		return nil, err
	})
	return err
}

// readKeyring asks the keyring for a data key. It returns ErrKeyLost where the
// keyring surely has none, and ErrKeyLocked where it cannot tell.
func (s *Store) readKeyring(id keyID) (dataKey, error) {
	if s.Keyring == nil {
		return dataKey{}, locked(errNoKeyring)
	}
	value, found, err := s.Keyring.Get(id.String())
	s.answers.Store(err == nil)
	switch {
	case err != nil:
		return dataKey{}, locked(err)
	case !found || len(value) != keySize:
		return dataKey{}, fmt.Errorf("%w: the keyring does not hold it any more", ErrKeyLost)
	}
	return dataKey{id, [keySize]byte(value)}, nil
}

// makeInKeyring makes a key in the keyring, if that works: what was written is
// read back. Nothing is noted for a keyring that does not answer a first question.
func (s *Store) makeInKeyring() (*freshKey, error) {
	if err := s.probe(); err != nil {
		return nil, err
	}
	return s.makeKey(PlaceKeyring, func(key dataKey) error {
		err := s.Keyring.Set(key.id.String(), key.bytes[:])
		var kept []byte
		if err == nil {
			kept, _, err = s.Keyring.Get(key.id.String())
		}
		s.answers.Store(err == nil)
		if err == nil && subtle.ConstantTimeCompare(kept, key.bytes[:]) == 0 {
			err = errors.New("the keyring does not keep what is put into it")
		}
		return err
	})
}

// probe asks the keyring for an entry that nobody has made, and returns why it
// does not answer.
func (s *Store) probe() error {
	_, _, err := s.Keyring.Get(newDataKey().id.String())
	s.answers.Store(err == nil)
	return err
}

// makeKey makes a key, which is not in use yet. A note of it comes first.
func (s *Store) makeKey(place Place, write func(dataKey) error) (*freshKey, error) {
	key := freshKey{newDataKey(), place}
	err := s.attempt(false, &call{}, func(tx *Tx) error {
		return put(tx, bucketKeys, key.id[:], keyNote{Place: place, MadeAt: time.Now().UTC()})
	})
	if err != nil {
		return nil, err
	}
	if err := write(key.dataKey); err != nil {
		s.discard(key)
		if place == PlaceFile {
			err = s.unusable(err)
		}
		return nil, err
	}
	s.keys.put(key.dataKey)
	return &key, nil
}

// finish clears away what a call has left: the key that it made for nothing, and
// those that its transaction put out of use. What fails is left for a later call.
func (s *Store) finish(c *call, err error) {
	s.sweep(c.doomed)
	if c.fresh != nil && (err != nil || !c.taken) {
		s.discard(*c.fresh)
	}
}

// discard removes a key that was made for nothing, unless it is in use after all:
// a commit that failed may still be on disk.
func (s *Store) discard(key freshKey) {
	c := &call{}
	err := s.attempt(false, c, func(tx *Tx) error {
		note, err := get[keyNote](tx, bucketKeys, key.id[:])
		if err != nil {
			return err
		}
		note.MadeAt = time.Time{}
		return put(tx, bucketKeys, key.id[:], note)
	})
	switch {
	case err == nil:
		s.sweep(c.doomed)
	case errors.Is(err, ErrNotFound): // another process has cleared it away, or the whole file
		s.sweep(map[keyID]Place{key.id: key.place})
	}
}

// sweep removes keys that are in no use, and then the notes of them. A keyring is
// asked only where it has just answered, so that nobody waits for tidiness.
func (s *Store) sweep(doomed map[keyID]Place) {
	var gone []keyID
	for id, place := range doomed {
		switch {
		case place == PlaceFile:
			if s.removeKeyFile(id) == nil {
				gone = append(gone, id)
			}
		case s.Keyring != nil && s.answers.Load():
			err := s.Keyring.Delete(id.String())
			if s.answers.Store(err == nil); err == nil {
				gone = append(gone, id)
			}
		}
	}
	if len(gone) == 0 {
		return
	}
	err := s.attempt(false, &call{}, func(tx *Tx) error {
		for _, id := range gone {
			if err := remove(tx, bucketKeys, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Log.Info("notes of keys that are gone are left for later", "error", err)
	}
}
