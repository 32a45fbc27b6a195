package store_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	bolt "go.etcd.io/bbolt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

func TestADamagedFileIsPutAside(t *testing.T) {
	inFile := func(bucket, key, value string) func(*testing.T, *store.Store) {
		return func(t *testing.T, s *store.Store) {
			raw(t, s, func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), []byte(value)) })
		}
	}
	for name, damage := range map[string]func(*testing.T, *store.Store){
		"garbage":                     overwrite,
		"zeros":                       zero,
		"an instance that is no JSON": inFile("instances", gitlab, "{"),
		"an account that is no JSON":  inFile("accounts", sam.String(), "[]"),
		"an instance's other id":      inFile("instances", gitlab, `{"id":"https://attacker.example.com"}`),
		"an account's other instance": inFile("accounts", sam.String(), `{"id":"1","instance":"https://attacker.example.com"}`),
		"a current key without an id": inFile("meta", "key", "none"),
		"a key that is no JSON":       inFile("keys", "0123456789abcdef", "["),
		"a key without an id":         inFile("keys", "0", "{}"),
		"schema version 0":            inFile("meta", "schema", "\x00\x00\x00\x00"),
		"no schema version":           inFile("meta", "schema", "one"),
	} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			damage(t, s)
			before, err := os.ReadFile(filepath.Join(s.Dir(), databaseFile))
			if err != nil {
				t.Fatal(err)
			}
			second := store.New(s.Dir(), store.Options{}) // another window's

			err = readAll(s)
			known := damaged(t, err)
			aside, readErr := os.ReadFile(known.Details.File)
			if readErr != nil || !bytes.Equal(aside, before) {
				t.Errorf("the copy in %q is not the damaged file: %v", known.Details.File, readErr)
			}
			if known.Hint == "" {
				t.Error("the error does not say what to do")
			}
			for _, window := range []*store.Store{second, s} {
				if ids, err := instances(window); err != nil || len(ids) != 0 {
					t.Errorf("the new store has the instances %q, %v; want none", ids, err)
				}
			}
			update(t, s, func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: other}, secret.Text{}) })
			if ids, err := instances(second); err != nil || len(ids) != 1 {
				t.Errorf("the other window sees %q, %v in the new store", ids, err)
			}
		})
	}
}

func TestDamageIsMetByWriters(t *testing.T) {
	s := filled(t)
	overwrite(t, s)
	put := func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: other}, secret.Text{}) }
	damaged(t, s.Update(put))
	update(t, s, put)
	if ids, err := instances(s); err != nil || len(ids) != 1 {
		t.Errorf("the new store has %q, %v", ids, err)
	}
}

// One of many that meet the damage puts the file aside. None takes the new one
// for damaged, and so none puts away what another has just saved.
func TestDamageIsPutAsideOnce(t *testing.T) {
	s := filled(t)
	overwrite(t, s)
	var windows sync.WaitGroup
	for i := range 8 {
		windows.Go(func() {
			window := store.New(s.Dir(), store.Options{})
			id := fmt.Sprintf("https://gitlab-%d.example.com", i)
			for {
				err := window.Update(func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: id}, secret.Text{}) })
				if err == nil {
					return
				}
				if !errors.Is(err, protocol.StoreDamaged) {
					t.Errorf("the error is %v, want StoreDamaged", err)
					return
				}
			}
		})
	}
	windows.Wait()
	if ids, err := instances(s); err != nil || len(ids) != 8 {
		t.Errorf("of 8 instances that were saved there are %q, %v", ids, err)
	}
	copies, err := filepath.Glob(filepath.Join(s.Dir(), databaseFile+".damaged-*"))
	if err != nil || len(copies) != 1 {
		t.Errorf("the file was put aside as %q, %v; want one copy", copies, err)
	}
}

// A window that was late to mend the damage finds a good file.
func TestTheNewFileOfAnotherWindowIsNotPutAside(t *testing.T) {
	s := filled(t)
	overwrite(t, s)
	path := filepath.Join(s.Dir(), databaseFile)
	mending := flock.New(path + ".mend")
	if err := mending.Lock(); err != nil {
		t.Fatal(err)
	}
	late := make(chan error, 1)
	go func() { late <- readAll(s) }()
	select {
	case err := <-late:
		t.Errorf("two windows mend at once: %v", err)
	case <-time.After(moment):
	}
	if err := os.Rename(path, path+".elsewhere"); err != nil {
		t.Fatal(err)
	}
	update(t, store.New(s.Dir(), store.Options{}), func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: other}, secret.Text{}) })
	if err := mending.Unlock(); err != nil {
		t.Fatal(err)
	}
	if known := damaged(t, <-late); known.Details.File != path {
		t.Errorf("the late window says that the copy is %q", known.Details.File)
	}
	if ids, err := instances(s); err != nil || len(ids) != 1 || ids[0] != other {
		t.Errorf("the new file has %q, %v", ids, err)
	}
}

func TestANewerStoreIsLeftAlone(t *testing.T) {
	s := filled(t)
	raw(t, s, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), binary.BigEndian.AppendUint32(nil, 3))
	})
	before := files(t, s.Dir())
	for range 2 {
		known := damaged(t, readAll(s))
		if known.Details.File != filepath.Join(s.Dir(), databaseFile) {
			t.Errorf("the error names the file %q", known.Details.File)
		}
		damaged(t, s.Update(func(tx *store.Tx) error { return tx.DeleteInstance(gitlab) }))
	}
	if after := files(t, s.Dir()); len(after) != len(before) {
		t.Errorf("there are %d files, before there were %d", len(after), len(before))
	}
}

func TestADirectoryThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := store.New(filepath.Join(file, "data"), store.Options{})
	damaged(t, readAll(s))
	damaged(t, s.Update(func(tx *store.Tx) error { return nil }))
	damaged(t, s.MakeDir())
	unlock, err := s.LockAccount(t.Context(), sam)
	damaged(t, err)
	if unlock != nil {
		t.Error("there is a lock in a directory that is not there")
	}
}

// damaged returns err as the StoreDamaged that it has to be.
func damaged(t *testing.T, err error) *protocol.Error {
	t.Helper()
	var known *protocol.Error
	if !errors.As(err, &known) || known.Code != protocol.StoreDamaged || known.Details == nil {
		t.Fatalf("the error is %v, want StoreDamaged with details", err)
	}
	return known
}

// readAll lists what the store has, and writes nothing new.
func readAll(s *store.Store) error {
	err := s.View(func(tx *store.Tx) error {
		_, instances := tx.Instances()
		_, accounts := tx.Accounts()
		_, place := tx.KeyPlace()
		return errors.Join(instances, accounts, place)
	})
	if err != nil {
		return err
	}
	return s.Update(func(*store.Tx) error { return nil })
}

// overwrite replaces the file's content by garbage of the same size.
func overwrite(t *testing.T, s *store.Store) {
	t.Helper()
	path := filepath.Join(s.Dir(), databaseFile)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	garbage := make([]byte, info.Size())
	rand.Read(garbage)
	if err := os.WriteFile(path, garbage, 0o600); err != nil {
		t.Fatal(err)
	}
}

// zero replaces the file's content by zeros.
func zero(t *testing.T, s *store.Store) {
	t.Helper()
	path := filepath.Join(s.Dir(), databaseFile)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, info.Size()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A fault of whoever reads is not the file's: nothing is put aside for it.
func TestAPanicOfTheCallerIsNoDamage(t *testing.T) {
	s := filled(t)
	for name, run := range map[string]func(func(*store.Tx) error) error{"view": s.View, "update": s.Update} {
		t.Run(name, func(t *testing.T) {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic did not reach whoever called")
					}
				}()
				err := run(func(*store.Tx) error {
					var account *store.Account
					_ = account.ID // faults
					return nil
				})
				t.Errorf("the error is %v", err)
			}()
			wantSecrets(t, s)
			update(t, s, fill)
			if aside, err := filepath.Glob(filepath.Join(s.Dir(), "*damaged*")); err != nil || len(aside) > 0 {
				t.Errorf("what was put aside is %q, %v", aside, err)
			}
		})
	}
}
