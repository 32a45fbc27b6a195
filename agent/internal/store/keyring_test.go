package store_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

var errLocked = errors.New("the keyring is locked")

// memory is a keyring.
type memory struct {
	mu      sync.Mutex // guards what follows
	held    map[string][]byte
	failure error // of every call
	asked   int
	before  func(method string) error // run before each call, outside mu
}

func newMemory() *memory { return &memory{held: map[string][]byte{}} }

func (m *memory) call(method string, fn func()) error {
	m.mu.Lock()
	m.asked++
	before := m.before
	m.mu.Unlock()
	if before != nil {
		if err := before(method); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failure == nil {
		fn()
	}
	return m.failure
}

func (m *memory) Get(id string) (value []byte, found bool, err error) {
	err = m.call("get", func() { value, found = m.held[id] })
	return bytes.Clone(value), found, err
}

func (m *memory) Set(id string, value []byte) error {
	return m.call("set", func() { m.held[id] = bytes.Clone(value) })
}

func (m *memory) Delete(id string) error { return m.call("delete", func() { delete(m.held, id) }) }

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failure = err
}

// ids lists the keys that the keyring holds.
func (m *memory) ids() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.held))
}

func (m *memory) questions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

// place tells where the key is.
func place(t *testing.T, s *store.Store) (place store.Place) {
	t.Helper()
	err := s.View(func(tx *store.Tx) (err error) {
		place, err = tx.KeyPlace()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return place
}

// wantKeys checks where the keys are: how many files, how many in the keyring.
func wantKeys(t *testing.T, s *store.Store, m *memory, want store.Place, files, entries int) {
	t.Helper()
	if got := place(t, s); got != want {
		t.Errorf("the key is in place %q, want %q", got, want)
	}
	if got := keyFiles(t, s); len(got) != files {
		t.Errorf("the key files are %q, want %d", got, files)
	}
	if got := m.ids(); len(got) != entries {
		t.Errorf("the keyring holds %q, want %d", got, entries)
	}
}

// wantSecrets checks that all that filled keeps can be read by a window that
// knows no key yet.
func wantSecrets(t testing.TB, s *store.Store) {
	t.Helper()
	s = another(s)
	for key, want := range map[store.AccountKey]string{sam: "access-of-sam", alex: "access-of-alex"} {
		if got, err := tokens(s, key); err != nil || got.Access.Reveal() != want {
			t.Errorf("the tokens of account %s are not there: %v", key.Account, err)
		}
	}
	if got, err := clientSecret(s); err != nil || got != "secret-of-the-client" {
		t.Errorf("the client secret is not there: %v", err)
	}
}

func clientSecret(s *store.Store) (text string, err error) {
	err = s.View(func(tx *store.Tx) error {
		found, err := tx.ClientSecret(gitlab)
		text = found.Reveal()
		return err
	})
	return text, err
}

// write writes a secret, as a refresh does.
func write(t *testing.T, s *store.Store) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		return tx.PutAccount(account(sam), store.Tokens{Access: secret.New("access-of-sam"), Refresh: secret.New("refresh-of-sam")})
	})
}

func TestTheKeyIsInTheKeyring(t *testing.T) {
	m := newMemory()
	s := filledWith(t, store.Options{Keyring: m})
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
	wantSecrets(t, s)
	asked := m.questions()
	for range 3 {
		write(t, s)
		if _, err := tokens(s, alex); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.questions(); got != asked {
		t.Errorf("the keyring was asked %d times for a key that is known", got-asked)
	}
}

func TestNoKeyringIsAskedBeforeASecretNeedsIt(t *testing.T) {
	m := newMemory()
	s := store.New(t.TempDir(), store.Options{Keyring: m})
	update(t, s, func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: other}, secret.Text{}) })
	if ids, err := instances(s); err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	wantKeys(t, s, m, "", 0, 0)
	if got := m.questions(); got != 0 {
		t.Errorf("the keyring was asked %d times", got)
	}
}

// A keyring that does not answer, or does not keep what it is given, has the key
// in a file instead.
func TestWithoutAKeyringTheKeyIsInAFile(t *testing.T) {
	forgetful := newMemory()
	forgetful.before = func(method string) error {
		if method == "get" {
			clear(forgetful.held)
		}
		return nil
	}
	locked := newMemory()
	locked.fail(errLocked)
	readOnly := newMemory()
	readOnly.before = func(method string) error {
		if method == "set" {
			return errLocked
		}
		return nil
	}
	for name, m := range map[string]*memory{"forgetful": forgetful, "locked": locked, "read-only": readOnly} {
		t.Run(name, func(t *testing.T) {
			s := filledWith(t, store.Options{Keyring: m})
			wantKeys(t, s, m, store.PlaceFile, 1, 0)
			wantSecrets(t, s)
		})
	}
}

func TestALockedKeyringLosesNothing(t *testing.T) {
	m := newMemory()
	first := filledWith(t, store.Options{Keyring: m})
	before := files(t, first.Dir())
	m.fail(errLocked)
	s := another(first)
	for range 2 {
		if _, err := tokens(s, sam); !errors.Is(err, store.ErrKeyLocked) || errors.Is(err, store.ErrKeyLost) || !errors.Is(err, errLocked) {
			t.Errorf("the error is %v, want ErrKeyLocked with its cause", err)
		}
		if _, err := clientSecret(s); !errors.Is(err, store.ErrKeyLocked) {
			t.Errorf("the error is %v, want ErrKeyLocked", err)
		}
	}
	if ids, err := instances(s); err != nil || len(ids) != 1 {
		t.Errorf("what is no secret cannot be read: %q, %v", ids, err)
	}
	if after := files(t, first.Dir()); !maps.EqualFunc(before, after, bytes.Equal) {
		t.Error("the files have changed")
	}
	if _, err := tokens(first, sam); err != nil {
		t.Errorf("a window that knows the key already: %v", err)
	}
	write(t, first)
	m.fail(nil)
	wantSecrets(t, s)
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
}

// A sign-in while the keyring is locked is kept with a key file. The other
// secrets wait for the keyring, and all go there in the end.
func TestASignInWhileTheKeyringIsLocked(t *testing.T) {
	m := newMemory()
	s := another(filledWith(t, store.Options{Keyring: m}))
	m.fail(errLocked)
	write(t, s)
	wantKeys(t, s, m, store.PlaceFile, 1, 1)
	if _, err := tokens(another(s), sam); err != nil {
		t.Errorf("the new tokens: %v", err)
	}
	if _, err := tokens(another(s), alex); !errors.Is(err, store.ErrKeyLocked) {
		t.Errorf("the other account: %v, want ErrKeyLocked", err)
	}
	m.fail(nil)
	wantSecrets(t, s)
	write(t, s)
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
	wantSecrets(t, s)
}

func TestAnEntryThatIsGoneIsALostKey(t *testing.T) {
	m := newMemory()
	s := another(filledWith(t, store.Options{Keyring: m}))
	lost := m.ids()[0]
	if err := m.Delete(lost); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens(s, sam); !errors.Is(err, store.ErrKeyLost) || errors.Is(err, store.ErrKeyLocked) {
		t.Errorf("the error is %v, want ErrKeyLost", err)
	}
	write(t, s)
	if got, err := tokens(another(s), sam); err != nil || got.Access.Reveal() != "access-of-sam" {
		t.Errorf("the new tokens: %v", err)
	}
	wantKeys(t, s, m, store.PlaceKeyring, 0, 1)
	if m.ids()[0] == lost {
		t.Error("the lost key's id is used again")
	}
}

func TestManyRequestsAskTheKeyringOnce(t *testing.T) {
	m := newMemory()
	s := another(filledWith(t, store.Options{Keyring: m}))
	arrived, answer := make(chan bool, 100), make(chan bool)
	m.before = func(string) error {
		arrived <- true
		<-answer
		return nil
	}
	var all sync.WaitGroup
	begun := make(chan bool)
	for range 8 {
		all.Go(func() {
			begun <- true
			if _, err := tokens(s, sam); err != nil {
				t.Error(err)
			}
		})
	}
	for range 8 {
		<-begun
	}
	<-arrived
	// While the keyring thinks, the file is free for everybody.
	update(t, another(s), func(tx *store.Tx) error { return tx.SetVersion(gitlab, "18.0.0", time.Now()) })
	if ids, err := instances(s); err != nil || len(ids) != 1 {
		t.Errorf("the instances are %q, %v", ids, err)
	}
	close(answer)
	all.Wait()
	if more := len(arrived); more > 0 {
		t.Errorf("the user was asked %d times, want once", more+1)
	}
}

func TestWhatIsInMemoryIsTold(t *testing.T) {
	var seen []string
	options := store.Options{Seen: func(text secret.Text) { seen = append(seen, text.Reveal()) }}
	s := filledWith(t, options)
	put := slices.Compact(slices.Sorted(slices.Values(seen)))
	want := []string{"access-of-alex", "access-of-sam", "refresh-of-sam", "secret-of-the-client"}
	if !slices.Equal(put, want) {
		t.Errorf("of what was put %q was told", put)
	}
	seen = nil
	wantSecrets(t, s)
	if got := slices.Compact(slices.Sorted(slices.Values(seen))); !slices.Equal(got, want) {
		t.Errorf("of what was unsealed %q was told", got)
	}
}
