package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// TestDamagedPagesArePutAside breaks the file as a disk or a power cut does. What
// bbolt makes of that ranges from an error to a panic that leaves its lock behind
// to a fault in mapped memory; the user gets one error, and a store that works.
func TestDamagedPagesArePutAside(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string, page int64){
		"less than two pages": func(t *testing.T, path string, page int64) { truncate(t, path, page) },
		"truncated":           func(t *testing.T, path string, page int64) { truncate(t, path, 3*page) },
		"the freelist":        func(t *testing.T, path string, page int64) { scribble(t, path, freelistOf(t, path, page)*page) },
		// bbolt would go round for ever.
		"a page that is its own child": func(t *testing.T, path string, page int64) {
			root := rootOf(t, path, "accounts")
			overwriteAt(t, path, root*page+24, uint64(root))
		},
		// The next transaction would write over it.
		"a page in use that is free": func(t *testing.T, path string, page int64) {
			overwriteAt(t, path, freelistOf(t, path, page)*page+16, uint64(rootOf(t, path, "accounts")))
		},
		// There is not so much memory, and no way back from asking for it.
		"a list of a thousand billion free pages": func(t *testing.T, path string, page int64) {
			list := freelistOf(t, path, page) * page
			overwriteAt(t, path, list+8, 0xFFFF<<16|0x10)
			overwriteAt(t, path, list+16, 1<<40)
		},
		"the secrets": func(t *testing.T, path string, page int64) {
			scribble(t, path, rootOf(t, path, "secrets")*page)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := store.New(t.TempDir(), store.Options{})
			update(t, s, func(tx *store.Tx) error {
				for i := range 200 {
					a := account(store.AccountKey{Instance: gitlab, Account: fmt.Sprint(i)})
					if err := tx.PutAccount(a, store.Tokens{Access: secret.New("access"), Refresh: secret.New("refresh")}); err != nil {
						return err
					}
				}
				return tx.PutInstance(store.Instance{ID: gitlab}, secret.Text{})
			})
			path := filepath.Join(s.Dir(), databaseFile)
			damage(t, path, int64(os.Getpagesize()))

			var err error
			for _, use := range []func() error{
				func() error { return readAll(s) },
				func() error { _, err := tokens(s, store.AccountKey{Instance: gitlab, Account: "7"}); return err },
				func() error { return s.Update(func(tx *store.Tx) error { return tx.DeleteInstance(gitlab) }) },
			} {
				if err = use(); err != nil {
					break
				}
			}
			known := damaged(t, err)
			if _, err := os.Stat(known.Details.File); err != nil || known.Details.File == path {
				t.Errorf("no copy was put aside: %q, %v", known.Details.File, err)
			}
			for _, window := range []*store.Store{s, store.New(s.Dir(), store.Options{})} {
				update(t, window, func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: other}, secret.Text{}) })
				if ids, err := instances(window); err != nil || len(ids) != 1 {
					t.Errorf("the new store has %q, %v", ids, err)
				}
			}
		})
	}
}

// A directory, for example, in the place of the file is put aside as it is.
func TestAFileThatIsNoFile(t *testing.T) {
	s := store.New(t.TempDir(), store.Options{})
	path := filepath.Join(s.Dir(), databaseFile)
	for name, use := range map[string]func() error{
		"read":  func() error { return readAll(s) },
		"write": func() error { return s.Update(fill) },
	} {
		if err := errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Join(path, "within"), 0o700)); err != nil {
			t.Fatal(err)
		}
		known := damaged(t, use())
		if _, err := os.Stat(filepath.Join(known.Details.File, "within")); err != nil {
			t.Errorf("%s: what was in the way is not in %q: %v", name, known.Details.File, err)
		}
		update(t, s, fill)
		wantSecrets(t, s)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// scribble overwrites the header of the page at an offset.
func scribble(t *testing.T, path string, offset int64) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), offset); err != nil {
		t.Fatal(err)
	}
}

// overwriteAt writes a number as the machine has it in memory.
func overwriteAt(t *testing.T, path string, offset int64, number uint64) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(binary.NativeEndian.AppendUint64(nil, number), offset); err != nil {
		t.Fatal(err)
	}
}

// freelistOf reads the page of the freelist from the newer of the two meta pages
// (bbolt, internal/common/meta.go: after a header of 16 bytes come magic, version,
// page size and flags, then the root bucket, the freelist, the page count and the
// transaction).
func freelistOf(t *testing.T, path string, page int64) int64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var freelist, newest uint64
	for _, meta := range [][]byte{data[16:], data[page+16:]} {
		if transaction := binary.NativeEndian.Uint64(meta[48:]); transaction >= newest {
			newest, freelist = transaction, binary.NativeEndian.Uint64(meta[32:])
		}
	}
	return int64(freelist)
}

// rootOf returns the root page of a bucket.
func rootOf(t *testing.T, path, bucket string) (root int64) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		root = int64(tx.Bucket([]byte(bucket)).RootPage())
		return nil
	})
	if err != nil || root == 0 {
		t.Fatalf("the bucket %s has no page of its own: %v", bucket, err)
	}
	return root
}
