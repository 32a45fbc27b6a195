package store_test

import (
	"encoding/json"
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

func TestTheKeyMovesIntoAKeyringThatAppears(t *testing.T) {
	m := newMemory()
	m.fail(errLocked)
	s := filledWith(t, store.Options{Keyring: m})
	wantKeys(t, s, m, store.PlaceFile, 1, 0)
	m.fail(nil)
	if _, err := tokens(s, sam); err != nil { // reading moves nothing
		t.Fatal(err)
	}
	wantKeys(t, s, m, store.PlaceFile, 1, 0)
	write(t, s)
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
	wantSecrets(t, s)
	wantNotes(t, s, 1)
}

func TestTheKeyMovesOutOfAKeyringThatIsSwitchedOff(t *testing.T) {
	m := newMemory()
	s := another(filledWith(t, store.Options{Keyring: m}))
	s.UseKeyring(false)
	if _, err := tokens(s, sam); err != nil {
		t.Errorf("what the keyring holds cannot be read: %v", err)
	}
	write(t, s)
	wantKeys(t, s, m, store.PlaceFile, 1, 0)
	wantSecrets(t, store.New(s.Dir(), store.Options{}))
	s.UseKeyring(true)
	write(t, s)
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
	wantSecrets(t, s)
}

// Of a keyring that is switched off because it does not work, nothing can be
// moved. What is written anew is kept all the same.
func TestAKeyringThatIsSwitchedOffWhileItIsLocked(t *testing.T) {
	m := newMemory()
	s := another(filledWith(t, store.Options{Keyring: m}))
	m.fail(errLocked)
	s.UseKeyring(false)
	write(t, s)
	wantKeys(t, s, m, store.PlaceFile, 1, 1)
	asked := m.questions()
	write(t, s)
	if more := m.questions() - asked; more > 0 {
		t.Errorf("the second secret asked the keyring %d times", more)
	}
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.DeleteAccount(alex), tx.PutInstance(store.Instance{ID: gitlab}, secret.Text{}))
	})
	wantKeys(t, s, m, store.PlaceFile, 1, 1) // nobody waits for a keyring to delete a key
	m.fail(nil)
	s.UseKeyring(true)
	write(t, s)
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
	wantNotes(t, s, 1)
}

func TestWithTheLastSecretGoesTheKey(t *testing.T) {
	for _, use := range []bool{true, false} {
		m := newMemory()
		s := store.New(filepath.Join(t.TempDir(), "data"), store.Options{Keyring: m})
		s.UseKeyring(use)
		write(t, s)
		update(t, s, func(tx *store.Tx) error { return tx.DeleteAccount(sam) })
		wantKeys(t, s, m, "", 0, 0)
		wantNotes(t, s, 0)
		write(t, s)
		if got, err := tokens(another(s), sam); err != nil || got.Access.Reveal() != "access-of-sam" {
			t.Errorf("the next sign-in: %v", err)
		}
	}
}

// Windows that save the first secrets of all at the same time end with one key.
func TestManyWindowsMakeOneKey(t *testing.T) {
	for _, use := range []bool{true, false} {
		m := newMemory()
		first := store.New(filepath.Join(t.TempDir(), "data"), store.Options{Keyring: m})
		var windows sync.WaitGroup
		for i := range 8 {
			windows.Go(func() {
				window := another(first)
				window.UseKeyring(use)
				key := store.AccountKey{Instance: gitlab, Account: fmt.Sprint(i)}
				err := window.Update(func(tx *store.Tx) error {
					return tx.PutAccount(account(key), store.Tokens{Access: secret.New("access-" + key.Account)})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		windows.Wait()
		for i := range 8 {
			key := store.AccountKey{Instance: gitlab, Account: fmt.Sprint(i)}
			if got, err := tokens(another(first), key); err != nil || got.Access.Reveal() != "access-"+key.Account {
				t.Errorf("the tokens of account %d: %v", i, err)
			}
		}
		if use {
			wantKeys(t, first, m, store.PlaceKeyring, 0, 1)
		} else {
			wantKeys(t, first, m, store.PlaceFile, 1, 0)
		}
		wantNotes(t, first, 1)
	}
}

// during runs fn once, while the keyring is given its next key.
func (m *memory) during(fn func()) {
	once := sync.OnceFunc(fn)
	m.before = func(method string) error {
		if method == "set" {
			m.mu.Lock()
			m.before = nil
			m.mu.Unlock()
			once()
		}
		return nil
	}
}

// Another window is faster: its key is taken, and that of this window goes.
func TestAKeyThatComesTooLateIsRemoved(t *testing.T) {
	m := newMemory()
	s := store.New(filepath.Join(t.TempDir(), "data"), store.Options{Keyring: m})
	var winner []string
	m.during(func() {
		update(t, another(s), fill)
		winner = m.ids()
	})
	write(t, s)
	wantSecrets(t, s)
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
	wantNotes(t, s, 1)
	if got := m.ids(); len(winner) != 1 || got[0] != winner[0] {
		t.Errorf("the keyring holds %q, want the other window's %q", got, winner)
	}
}

// The keyring is so slow that another window takes the new key for one that was
// left over. It is never taken into use then, since it may be removed at any time.
func TestAKeyThatWasClearedAwayIsMadeAgain(t *testing.T) {
	m := newMemory()
	s := store.New(filepath.Join(t.TempDir(), "data"), store.Options{Keyring: m})
	var doomed map[string]bool
	m.during(func() {
		expireNotes(t, s)
		update(t, another(s), func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: other}, secret.Text{}) })
		doomed = noted(t, s)
	})
	update(t, s, fill)
	wantSecrets(t, s)
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
	wantNotes(t, s, 1)
	if got := m.ids(); len(doomed) != 1 || doomed[got[0]] {
		t.Errorf("the keyring holds %q, of which others were cleared away: %v", got, doomed)
	}
}

// noted lists the keys of which the store knows.
func noted(t *testing.T, s *store.Store) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	raw(t, s, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("keys")).ForEach(func(id, _ []byte) error {
			ids[fmt.Sprintf("%x", id)] = true
			return nil
		})
	})
	return ids
}

// The process dies at some call of the keyring's, while the key moves into it or
// out of it. Nothing is lost, and what is left over goes later.
func TestAMoveThatIsCutOff(t *testing.T) {
	crash := errors.New("the process dies here")
	for _, into := range []bool{true, false} {
		for at := 1; ; at++ {
			m := newMemory()
			s := filledWith(t, store.Options{Keyring: m})
			s.UseKeyring(!into)
			write(t, s)
			s = another(s)
			s.UseKeyring(into)
			calls := 0
			m.before = func(string) error {
				if calls++; calls == at {
					panic(crash)
				}
				return nil
			}
			died := dies(func() { write(t, s) }, crash)
			m.before = nil
			wantSecrets(t, s)
			expireNotes(t, s)
			// A keyring that is switched off is not asked to tidy up.
			s = another(s)
			write(t, s)
			write(t, s)
			wantSecrets(t, s)
			wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
			wantNotes(t, s, 1)
			if !died {
				if at < 3 {
					t.Errorf("the move has only %d calls", at-1)
				}
				break
			}
		}
	}
}

// dies reports whether fn panics with an error.
func dies(fn func(), with error) (died bool) {
	defer func() {
		p := recover()
		err, _ := p.(error)
		if died = errors.Is(err, with); p != nil && !died {
			panic(p)
		}
	}()
	fn()
	return false
}

// expireNotes lets the keys that are being made appear to be so for an hour.
func expireNotes(t *testing.T, s *store.Store) {
	t.Helper()
	raw(t, s, func(tx *bolt.Tx) error {
		notes := tx.Bucket([]byte("keys"))
		changed := map[string][]byte{}
		err := notes.ForEach(func(id, data []byte) error {
			var note map[string]any
			if err := json.Unmarshal(data, &note); err != nil {
				return err
			}
			if note["madeAt"] == nil {
				return nil
			}
			note["madeAt"] = time.Now().Add(-time.Hour)
			var err error
			changed[string(id)], err = json.Marshal(note)
			return err
		})
		for id, data := range changed {
			err = errors.Join(err, notes.Put([]byte(id), data))
		}
		return err
	})
}

// wantNotes checks how many keys the store knows of.
func wantNotes(t *testing.T, s *store.Store, want int) {
	t.Helper()
	if got := noted(t, s); len(got) != want {
		t.Errorf("the store has notes of the keys %v, want %d", got, want)
	}
}

// A keyDir is a keyring that several processes share.
type keyDir string

func (k keyDir) Get(id string) ([]byte, bool, error) {
	if _, err := os.Stat(string(k)); err != nil {
		return nil, false, err
	}
	value, err := os.ReadFile(filepath.Join(string(k), id))
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	return value, err == nil, err
}

func (k keyDir) Set(id string, value []byte) error {
	beside := string(k) + "-" + id
	return errors.Join(os.WriteFile(beside, value, 0o600), os.Rename(beside, filepath.Join(string(k), id)))
}

func (k keyDir) Delete(id string) error {
	if err := os.Remove(filepath.Join(string(k), id)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
