package store_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// TestNoSecretOpensInAnotherPlace puts the secret of each place into each other:
// another account's, another kind's, another instance's.
func TestNoSecretOpensInAnotherPlace(t *testing.T) {
	places := []string{"tokens\n" + sam.String(), "tokens\n" + alex.String(), "client\n" + gitlab, "tokens\n" + other + "\n1", "client\n" + other}
	for _, from := range places[:3] {
		for _, to := range places {
			if from == to {
				continue
			}
			s := filled(t)
			raw(t, s, func(tx *bolt.Tx) error {
				secrets := tx.Bucket([]byte("secrets"))
				return secrets.Put([]byte(to), bytes.Clone(secrets.Get([]byte(from))))
			})
			err := s.View(func(tx *store.Tx) error {
				for _, key := range []store.AccountKey{sam, alex, {Instance: other, Account: "1"}} {
					got, err := tx.Tokens(key)
					if "tokens\n"+key.String() == to && (!errors.Is(err, store.ErrKeyLost) || got != (store.Tokens{})) {
						t.Errorf("what was sealed for %q opens for %q: %v", from, to, err)
					}
				}
				for _, id := range []string{gitlab, other} {
					got, err := tx.ClientSecret(id)
					if "client\n"+id == to && (!errors.Is(err, store.ErrKeyLost) || !got.IsEmpty()) {
						t.Errorf("what was sealed for %q opens for %q: %v", from, to, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func TestWithoutItsKeyASecretIsLost(t *testing.T) {
	stranger := make([]byte, 32)
	rand.Read(stranger)
	for name, change := range map[string]func(path string) error{
		"removed":   os.Remove,
		"another":   func(path string) error { return os.WriteFile(path, stranger, 0o600) },
		"cut short": func(path string) error { return os.Truncate(path, 31) },
		"too long":  func(path string) error { return os.Truncate(path, 33) },
		"empty":     func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			lost := keyFile(t, s)
			if err := change(lost); err != nil {
				t.Fatal(err)
			}
			s = another(s)
			if _, err := tokens(s, sam); !errors.Is(err, store.ErrKeyLost) {
				t.Errorf("the error is %v, want ErrKeyLost", err)
			}
			// What is no secret is still there, and new secrets can be kept.
			if ids, err := instances(s); err != nil || len(ids) != 1 {
				t.Errorf("the instances are %q, %v", ids, err)
			}
			update(t, s, func(tx *store.Tx) error { return tx.PutAccount(account(sam), store.Tokens{Access: secret.New("new")}) })
			for _, window := range []*store.Store{s, another(s)} {
				if got, err := tokens(window, sam); err != nil || got.Access.Reveal() != "new" {
					t.Errorf("the new tokens cannot be read: %v", err)
				}
			}
			update(t, s, func(tx *store.Tx) error {
				return errors.Join(tx.RefuseAccount(alex, "keyLost"), tx.PutInstance(store.Instance{ID: gitlab}, secret.New("renewed")))
			})
			if left := keyFile(t, s); name != "another" && left == lost {
				t.Error("the old key is left, and the new one is not there")
			}
		})
	}
}

// A key that is lost to the disk only is still in the memory of an open window:
// what that window writes next saves everything.
func TestAKeyThatIsStillInMemoryIsReplaced(t *testing.T) {
	s := filled(t)
	if err := os.Remove(keyFile(t, s)); err != nil {
		t.Fatal(err)
	}
	update(t, s, func(tx *store.Tx) error { return tx.PutAccount(account(sam), store.Tokens{Access: secret.New("new")}) })
	if got, err := tokens(another(s), alex); err != nil || got.Access.Reveal() != "access-of-alex" {
		t.Errorf("the other account's tokens are lost: %v", err)
	}
}

// A key that cannot be read now may be readable later: what it seals stays.
func TestAKeyThatCannotBeReadIsKept(t *testing.T) {
	s := filled(t)
	key := keyFile(t, s)
	if err := errors.Join(os.Rename(key, key+".elsewhere"), os.Mkdir(key, 0o700)); err != nil {
		t.Fatal(err)
	}
	s = another(s)
	if _, err := tokens(s, sam); err == nil || errors.Is(err, store.ErrKeyLost) {
		t.Errorf("the error is %v, want one of the file", err)
	}
	update(t, s, func(tx *store.Tx) error { return tx.PutAccount(account(sam), store.Tokens{Access: secret.New("new")}) })
	if err := errors.Join(os.Remove(key), os.Rename(key+".elsewhere", key)); err != nil {
		t.Fatal(err)
	}
	for account, want := range map[store.AccountKey]string{sam: "new", alex: "access-of-alex"} {
		if got, err := tokens(another(s), account); err != nil || got.Access.Reveal() != want {
			t.Errorf("the tokens of %s are not %s: %v", account.Account, want, err)
		}
	}
}

func TestNoFileHoldsASecret(t *testing.T) {
	s := filled(t)
	update(t, s, func(tx *store.Tx) error { // again, so that old pages are there too
		return tx.PutAccount(account(sam), store.Tokens{Access: secret.New("second-access-of-sam"), Refresh: secret.New("second-refresh-of-sam")})
	})
	for path, content := range files(t, s.Dir()) {
		for _, secret := range []string{"access-of-sam", "refresh-of-sam", "access-of-alex", "secret-of-the-client"} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s is in the file %s", secret, path)
			}
		}
	}
}

// files returns what is in the regular files below a directory.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%s has %d files, %v", dir, len(all), err)
	}
	return all
}
