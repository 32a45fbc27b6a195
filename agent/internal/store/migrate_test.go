package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// kept returns a store that an earlier version wrote: a copy of that in
// testdata/store.
func kept(t testing.TB, version string, o store.Options) *store.Store {
	t.Helper()
	from, dir := filepath.Join("..", "..", "..", "testdata", "store", version), filepath.Join(t.TempDir(), "data")
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(from, entry.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, entry.Name()), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return store.New(dir, o)
}

// wantKept checks that all is there that testdata/store has, with a client secret.
func wantKept(t *testing.T, s *store.Store, wantSecret string) {
	t.Helper()
	err := s.View(func(tx *store.Tx) error {
		instances, instancesErr := tx.Instances()
		accounts, accountsErr := tx.Accounts()
		if len(instances) != 2 || instances[0].ID != "https://example.com:8443/gitlab" || instances[1].SSHHosts[0] != "ssh.example.com" {
			t.Errorf("the instances are %+v", instances)
		}
		if len(accounts) != 2 || accounts[0].User.Username != "sam" || accounts[1].Refused != "revoked" {
			t.Errorf("the accounts are %+v", accounts)
		}
		found, secretErr := tx.Tokens(sam)
		if secretErr == nil && (found.Access.Reveal() != "glfake-access-of-sam" || found.Refresh.Reveal() != "glfake-refresh-of-sam") {
			t.Error("sam's tokens are others")
		}
		clientSecret, clientErr := tx.ClientSecret(gitlab)
		if clientErr == nil && clientSecret.Reveal() != wantSecret {
			t.Error("the client secret is another")
		}
		if _, err := tx.Tokens(alex); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("alex, who was refused, has tokens: %v", err)
		}
		return errors.Join(instancesErr, accountsErr, secretErr, clientErr)
	})
	if err != nil {
		t.Error(err)
	}
}

// wantSchema checks the version of the file.
func wantSchema(t *testing.T, s *store.Store, want uint32) {
	t.Helper()
	raw(t, s, func(tx *bolt.Tx) error {
		if got := binary.BigEndian.Uint32(tx.Bucket([]byte("meta")).Get([]byte("schema"))); got != want {
			t.Errorf("the schema is %d, want %d", got, want)
		}
		return nil
	})
}

func TestTheStoresOfAllVersionsAreRead(t *testing.T) {
	for version, clientSecret := range map[string]string{"v1": secretOfV1, "v2": secretOfV2} {
		t.Run(version, func(t *testing.T) {
			m := newMemory()
			s := kept(t, version, store.Options{Keyring: m})
			key := keyFile(t, s)
			wantKept(t, s, clientSecret)
			wantSchema(t, s, 2)
			wantKeys(t, s, m, store.PlaceFile, 1, 0)
			if got := keyFile(t, s); got != key {
				t.Errorf("reading has made the key %s of %s", got, key)
			}
			update(t, s, func(tx *store.Tx) error {
				found, err := tx.Tokens(sam)
				return errors.Join(err, tx.PutAccount(account(alex), found))
			})
			wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
			wantNotes(t, s, 1)
			if got, err := tokens(another(s), sam); err != nil || got.Access.Reveal() != "glfake-access-of-sam" {
				t.Errorf("sam's tokens did not move with the key: %v", err)
			}
		})
	}
}

func TestAFirstStoreThatHasLostItsKey(t *testing.T) {
	s := kept(t, "v1", store.Options{})
	if err := os.Remove(filepath.Join(s.Dir(), legacyKeyFile)); err != nil {
		t.Fatal(err)
	}
	if ids, err := instances(s); err != nil || len(ids) != 2 {
		t.Errorf("the instances are %q, %v", ids, err)
	}
	if _, err := tokens(s, sam); !errors.Is(err, store.ErrKeyLost) {
		t.Errorf("the error is %v, want ErrKeyLost", err)
	}
	write(t, s)
	if got, err := tokens(another(s), sam); err != nil || got.Access.Reveal() != "access-of-sam" {
		t.Errorf("a new sign-in is not kept: %v", err)
	}
}

// A first store without secrets may have the key of one that it had.
func TestAFirstStoreWithoutSecrets(t *testing.T) {
	s := kept(t, "v1", store.Options{})
	raw(t, s, func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("secrets")) })
	if got := place(t, s); got != "" {
		t.Errorf("the key is in place %q", got)
	}
	update(t, s, func(tx *store.Tx) error { return tx.SetVersion(gitlab, "18.0.0", time.Now()) })
	if got := keyFiles(t, s); len(got) != 0 {
		t.Errorf("the key files are %q, want none", got)
	}
	wantNotes(t, s, 0)
}

func TestManyWindowsOpenAFirstStore(t *testing.T) {
	first := kept(t, "v1", store.Options{Keyring: newMemory()})
	var windows sync.WaitGroup
	for i := range 8 {
		windows.Go(func() {
			if _, err := tokens(another(first), sam); err != nil {
				t.Errorf("a reader: %v", err)
			}
		})
		windows.Go(func() {
			key := store.AccountKey{Instance: gitlab, Account: fmt.Sprint(10 + i)}
			err := another(first).Update(func(tx *store.Tx) error {
				return tx.PutAccount(account(key), store.Tokens{Access: secret.New("glfake-" + key.Account)})
			})
			if err != nil {
				t.Errorf("a writer: %v", err)
			}
		})
	}
	windows.Wait()
	for i := range 8 {
		key := store.AccountKey{Instance: gitlab, Account: fmt.Sprint(10 + i)}
		if got, err := tokens(another(first), key); err != nil || got.Access.Reveal() != "glfake-"+key.Account {
			t.Errorf("the tokens of account %s: %v", key.Account, err)
		}
	}
	if got, err := tokens(another(first), sam); err != nil || got.Refresh.Reveal() != "glfake-refresh-of-sam" {
		t.Errorf("sam's tokens: %v", err)
	}
}

// The step to the new schema is one transaction with the first use: where that
// fails, the old file is as it was.
func TestAMigrationThatFailsLeavesTheOldFile(t *testing.T) {
	s := kept(t, "v1", store.Options{})
	failure := errors.New("no")
	if err := s.Update(func(*store.Tx) error { return failure }); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	wantSchema(t, s, 1)
	wantKept(t, s, secretOfV1)
	before := files(t, s.Dir())
	wantKept(t, another(s), secretOfV1)
	for path, content := range files(t, s.Dir()) {
		if !bytes.Equal(content, before[path]) {
			t.Errorf("the second window has changed %s", path)
		}
	}
}
