package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// key returns a data key, or errNeedKey, or why it cannot be had: ErrKeyLost,
// ErrKeyLocked.
func (tx *Tx) key(id keyID) (dataKey, error) {
	if key, ok := tx.store.keys.get(id); ok {
		return key, nil
	}
	if err := tx.call.missing[id]; err != nil {
		return dataKey{}, err
	}
	note, err := get[keyNote](tx, bucketKeys, id[:])
	if errors.Is(err, ErrNotFound) {
		return dataKey{}, fmt.Errorf("%w: nothing is known of it", ErrKeyLost)
	}
	if err != nil {
		return dataKey{}, err
	}
	return dataKey{}, tx.wait(need{id: id, place: note.Place})
}

// wait lets the transaction end and the call get what it needs.
func (tx *Tx) wait(n need) error {
	tx.call.need = &n
	return errNeedKey
}

// currentKey returns which key seals new secrets. ok is false where there is none.
func (tx *Tx) currentKey() (id keyID, note keyNote, ok bool, err error) {
	meta := tx.bucket(bucketMeta)
	if meta == nil {
		return id, note, false, nil
	}
	value := meta.Get(keyCurrent)
	if value == nil {
		return id, note, false, nil
	}
	if len(value) != len(id) {
		return id, note, false, fmt.Errorf("%w: the current key has no id", errDamaged)
	}
	copy(id[:], value)
	note, err = get[keyNote](tx, bucketKeys, id[:])
	if errors.Is(err, ErrNotFound) {
		return id, note, false, nil
	}
	return id, note, err == nil, err
}

// KeyPlace tells where the key lies that seals new secrets. It asks nobody.
func (tx *Tx) KeyPlace() (Place, error) {
	_, note, _, err := tx.currentKey()
	return note.Place, err
}

// sealingKey returns the key that new secrets are sealed with: the current one,
// or a new one where that cannot be had or lies where new keys no longer go. Then
// the other secrets move to it.
func (tx *Tx) sealingKey() (dataKey, error) {
	if tx.sealing != nil {
		return *tx.sealing, nil
	}
	id, note, ok, err := tx.currentKey()
	if err != nil {
		return dataKey{}, err
	}
	if ok && tx.serves(id, note) {
		key, err := tx.key(id)
		if err == nil {
			tx.sealing = &key
		}
		if err == nil || tx.call.need != nil {
			return key, err
		}
	}
	if tx.call.fresh == nil {
		return dataKey{}, tx.wait(need{place: tx.store.wants(tx.call), fresh: true})
	}
	return tx.adopt(tx.call.fresh.dataKey)
}

// serves reports whether the current key may go on sealing new secrets.
func (tx *Tx) serves(id keyID, note keyNote) bool {
	s := tx.store
	switch {
	case tx.call.missing[id] != nil:
		return false
	case note.Place == PlaceKeyring: // even where it does not answer now, for a key that is known
		return s.Keyring != nil && !s.off.Load()
	}
	return s.wants(tx.call) == PlaceFile && s.hasKeyFile(id)
}

// adopt makes a new key the current one, and seals again with it every secret
// that can be opened.
func (tx *Tx) adopt(fresh dataKey) (dataKey, error) {
	note, err := get[keyNote](tx, bucketKeys, fresh.id[:])
	if errors.Is(err, ErrNotFound) || note.Doomed { // it took its maker so long that it was cleared away
		tx.call.fresh = nil
		return dataKey{}, tx.wait(need{place: tx.store.wants(tx.call), fresh: true})
	}
	if err != nil {
		return dataKey{}, err
	}
	moved := map[string][]byte{}
	err = tx.eachSealed(func(place, sealed []byte, id keyID) error {
		key, err := tx.key(id)
		if tx.call.need != nil {
			return err
		}
		if err != nil {
			return nil // it stays as it is, with its key
		}
		plain, err := unseal(key, place, sealed)
		if err == nil {
			moved[string(place)], err = seal(fresh, place, plain)
		}
		if errors.Is(err, ErrKeyLost) {
			return nil
		}
		return err
	})
	if err != nil {
		return dataKey{}, err
	}
	for place, sealed := range moved {
		if err := putBytes(tx, bucketSecrets, []byte(place), sealed); err != nil {
			return dataKey{}, err
		}
	}
	note.MadeAt = time.Time{}
	if err := errors.Join(
		put(tx, bucketKeys, fresh.id[:], note),
		putBytes(tx, bucketMeta, keyCurrent, fresh.id[:]),
	); err != nil {
		return dataKey{}, err
	}
	tx.sealing, tx.call.taken = &fresh, true
	return fresh, nil
}

// eachSealed calls fn with each sealed record and the id of its key.
func (tx *Tx) eachSealed(fn func(place, sealed []byte, id keyID) error) error {
	secrets := tx.bucket(bucketSecrets)
	if secrets == nil {
		return nil
	}
	return secrets.ForEach(func(place, sealed []byte) error {
		id, err := sealedBy(sealed)
		if err != nil {
			return nil // no key will ever open it
		}
		return fn(place, sealed, id)
	})
}

// retireKeys dooms the keys that no secret uses, and returns them. Without any
// secret there is no current key either. It is the last thing that a transaction
// does, so that what it dooms stays out of use: a doomed key is never taken again.
func (tx *Tx) retireKeys() (map[keyID]Place, error) {
	notes := tx.bucket(bucketKeys)
	if notes == nil {
		return nil, nil
	}
	used := map[keyID]bool{}
	if err := tx.eachSealed(func(_, _ []byte, id keyID) error { used[id] = true; return nil }); err != nil {
		return nil, err
	}
	current, _, ok, err := tx.currentKey()
	if err != nil {
		return nil, err
	}
	if ok && len(used) == 0 {
		if err := remove(tx, bucketMeta, keyCurrent); err != nil {
			return nil, err
		}
		ok = false
	}
	var doomed map[keyID]Place
	changed := map[keyID]keyNote{}
	cursor := notes.Cursor()
	for name, data := cursor.First(); name != nil; name, data = cursor.Next() {
		note, err := decode[keyNote](name, data)
		if err == nil && len(name) != len(current) {
			err = fmt.Errorf("%w: a key has no id", errDamaged)
		}
		if err != nil {
			return nil, err
		}
		id := keyID(name)
		if used[id] || ok && bytes.Equal(name, current[:]) || !note.MadeAt.IsZero() && time.Since(note.MadeAt) < makingTime {
			continue
		}
		if doomed == nil {
			doomed = make(map[keyID]Place)
		}
		doomed[id] = note.Place
		if !note.Doomed {
			note.Doomed = true
			changed[id] = note
		}
	}
	for id, note := range changed {
		if err := put(tx, bucketKeys, id[:], note); err != nil {
			return nil, err
		}
	}
	return doomed, nil
}
