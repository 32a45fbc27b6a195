package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// schema is the version of the layout. It changes when an older agent could no
// longer read what a newer one writes.
const schema = 2

// steps lead from each version to the next: steps[0] from 1 to 2. Each runs in
// the transaction that opens the file for writing, so that a crash leaves the old
// version or the new one.
var steps = [schema - 1]func(*bolt.Tx) error{nameKeys}

// errOldSchema says that the file has to be opened for writing before it can be
// read.
var errOldSchema = errors.New("store: an older schema")

// checkSchema sees to it that the file has the schema that this program knows.
func checkSchema(btx *bolt.Tx, readOnly bool, path string) error {
	meta := btx.Bucket(bucketMeta)
	if meta == nil {
		if first, _ := btx.Cursor().First(); first != nil {
			return fmt.Errorf("%w: no schema version", errDamaged)
		}
		if readOnly {
			return nil
		}
		created, err := btx.CreateBucket(bucketMeta)
		if err != nil {
			return err
		}
		return putSchema(created)
	}
	value := meta.Get(keySchema)
	if len(value) != 4 {
		return fmt.Errorf("%w: no schema version", errDamaged)
	}
	found := binary.BigEndian.Uint32(value)
	switch {
	case found == schema:
		return nil
	case found == 0:
		return fmt.Errorf("%w: schema version 0", errDamaged)
	case found > schema:
		return &protocol.Error{
			Code:    protocol.StoreDamaged,
			Message: fmt.Sprintf("the store was written by a newer codestream-agent (schema %d, this one knows %d)", found, schema),
			Hint:    "Update the editor extension, and restart the editor.",
			Details: &protocol.ErrorDetails{Cause: protocol.CauseNewer, File: path},
		}
	case readOnly:
		return errOldSchema
	}
	for _, step := range steps[found-1:] {
		if err := step(btx); err != nil {
			return err
		}
	}
	return putSchema(meta)
}

func putSchema(meta *bolt.Bucket) error {
	return meta.Put(keySchema, binary.BigEndian.AppendUint32(nil, schema))
}

// nameKeys leads from version 1 to 2. Version 1 knew one data key, in the file
// "key", and its sealed records named none.
func nameKeys(btx *bolt.Tx) error {
	tx := &Tx{bolt: btx}
	sealed := map[string][]byte{}
	if secrets := btx.Bucket(bucketSecrets); secrets != nil {
		err := secrets.ForEach(func(place, value []byte) error {
			sealed[string(place)] = slices.Concat(legacyKey[:], value)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for place, value := range sealed {
		if err := putBytes(tx, bucketSecrets, []byte(place), value); err != nil {
			return err
		}
	}
	if err := put(tx, bucketKeys, legacyKey[:], keyNote{Place: PlaceFile}); err != nil || len(sealed) == 0 {
		return err // without a secret there is no current key, and the file goes
	}
	return putBytes(tx, bucketMeta, keyCurrent, legacyKey[:])
}
