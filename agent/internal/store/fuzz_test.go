package store_test

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// FuzzStoreFile damages the files of testdata/store in many places. The first byte
// says which one, and whether the pages that are checked for damage are made to
// look whole; of each four others, three are a place and one the bits that change
// there, none of them for a file that ends there.
func FuzzStoreFile(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{3, 0x20, 0, 0, 0xff})
	f.Add([]byte{1, 0, 0x40, 0, 0})
	f.Fuzz(func(t *testing.T, changes []byte) {
		if len(changes) == 0 || len(changes) > 200 {
			t.Skip("no changes, or so many that nothing is left")
		}
		p := newPatient(t, "v2", secretOfV2)
		if changes[0]&1 != 0 {
			p = newPatient(t, "v1", secretOfV1)
		}
		file := bytes.Clone(p.healthy)
		for rest := changes[1:]; len(rest) >= 4 && len(file) > 0; rest = rest[4:] {
			at := int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16
			at %= len(file)
			if file[at] ^= rest[3]; rest[3] == 0 {
				file = file[:at]
			}
		}
		if changes[0]&2 != 0 {
			for page := 0; page < 2; page++ {
				checksum(file, page*4096)
			}
		}
		p.survive(t, file)
	})
}

// checksum makes a meta page look whole (bbolt, internal/common/meta.go).
func checksum(file []byte, page int) {
	const header, covered = 16, 56
	if len(file) < page+header+covered+8 {
		return
	}
	meta := file[page+header:]
	sum := fnv.New64a()
	sum.Write(meta[:covered])
	binary.NativeEndian.PutUint64(meta[covered:], sum.Sum64())
}

// FuzzRecord puts any record into any bucket.
func FuzzRecord(f *testing.F) {
	f.Add("instances", []byte(gitlab), []byte(`{"id":"https://gitlab.example.com"}`))
	f.Add("accounts", []byte(sam.String()), []byte(`{"id":"1","instance":"https://gitlab.example.com","expiresAt":"0001-01-01T00:00:00Z"}`))
	f.Add("meta", []byte("key"), make([]byte, 16))
	f.Add("meta", []byte("schema"), []byte{0, 0, 0, 1})
	f.Add("keys", make([]byte, 16), []byte(`{"place":"keyring","madeAt":"2026-01-02T03:04:05Z","doomed":true}`))
	f.Add("secrets", []byte("client\n"+gitlab), make([]byte, 60))
	f.Fuzz(func(t *testing.T, bucket string, key, value []byte) {
		if bucket == "" || len(key) == 0 || len(key) > bolt.MaxKeySize || bytes.ContainsRune([]byte(bucket), 0) {
			t.Skip("bbolt itself takes no such record")
		}
		p := newPatient(t, "v2", secretOfV2)
		raw(t, p.Store, func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(bucket))
			if err != nil {
				return err
			}
			return b.Put(key, value)
		})
		file, err := os.ReadFile(filepath.Join(p.Dir(), databaseFile))
		if err != nil {
			t.Fatal(err)
		}
		p.survive(t, file)
	})
}
