package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	library "github.com/zalando/go-keyring"
	"go.uber.org/goleak"
)

// TestMain checks that no goroutine outlives the tests, and that none of them
// can reach the keyring of whoever runs them.
func TestMain(m *testing.M) {
	os.Unsetenv("DBUS_SESSION_BUS_ADDRESS")
	goleak.VerifyTestMain(m)
}

// memory is a keyring that answers at once.
func memory() (*System, map[string]string) {
	held := map[string]string{}
	return newSystem(entries{
		get: func(service, user string) (string, error) {
			value, ok := held[service+" "+user]
			if !ok {
				return "", library.ErrNotFound
			}
			return value, nil
		},
		set: func(service, user, value string) error { held[service+" "+user] = value; return nil },
		delete: func(service, user string) error {
			if _, ok := held[service+" "+user]; !ok {
				return library.ErrNotFound
			}
			delete(held, service+" "+user)
			return nil
		},
		ready: func() error { return nil },
		done:  func() {},
	}), held
}

func TestWhatIsSetIsFound(t *testing.T) {
	s, held := memory()
	value := []byte{0, 1, 0xff, '\n'}
	if err := s.Set("a1", value); err != nil {
		t.Fatal(err)
	}
	if got := held["codestream-agent a1"]; got != "AAH/Cg==" {
		t.Errorf("the keyring holds %q", got)
	}
	if got, found, err := s.Get("a1"); err != nil || !found || !bytes.Equal(got, value) {
		t.Errorf("Get = %v, %v, %v", got, found, err)
	}
	for range 2 { // the second time there is nothing to delete
		if err := s.Delete("a1"); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	if _, found, err := s.Get("a1"); found || err != nil {
		t.Errorf("a deleted entry: found %v, %v; want that there surely is none", found, err)
	}
	held["codestream-agent a1"] = "not ours"
	if _, found, err := s.Get("a1"); found || err != nil {
		t.Errorf("an entry that another program wrote: found %v, %v", found, err)
	}
}

// The user is away, and the keyring waits for them: whoever asks must not.
func TestACallThatHangsIsGivenUp(t *testing.T) {
	s, _ := memory()
	s.timeout = 10 * time.Millisecond
	asked, unlocked := make(chan bool, 10), make(chan bool)
	s.entries.get = func(string, string) (string, error) {
		asked <- true
		<-unlocked
		return "AAH/Cg==", nil
	}
	for range 5 {
		_, _, err := s.Get("a1")
		unavailable(t, err, "unlock")
		unavailable(t, s.Set("a1", nil), "unlock")
	}
	if len(asked) != 1 {
		t.Errorf("the keyring was asked %d times, want once: each call keeps a goroutine", len(asked))
	}
	close(unlocked)
	for s.hangs() { // until the call under way has ended
		if len(asked) != 1 {
			t.Fatal("another call was made before the first had ended")
		}
	}
	s.timeout = timeout
	if value, found, err := s.Get("a1"); err != nil || !found || len(value) == 0 {
		t.Errorf("after the user has unlocked the keyring: %v, %v", found, err)
	}
}

func TestCallsTakeTurns(t *testing.T) {
	s, _ := memory()
	under := make(chan bool, 1)
	s.entries.set = func(string, string, string) error {
		select {
		case under <- true:
		default:
			return errors.New("two at a time")
		}
		<-under
		return nil
	}
	results := make(chan error)
	for i := range 8 {
		go func() { results <- s.Set(fmt.Sprint(i), nil) }()
	}
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestNoErrorRepeatsTheSecret(t *testing.T) {
	const text = "Z2xmYWtlLXNlY3JldA==" // of glfake-secret
	for name, set := range map[string]func(value string) error{
		"panic": func(value string) error { panic("cannot keep " + value) },
		"error": func(value string) error { return errors.New("cannot keep " + value) },
	} {
		s, _ := memory()
		s.entries.set = func(_, _, value string) error { return set(value) }
		err := s.Set("a1", []byte("glfake-secret"))
		unavailable(t, err, "the keyring refuses")
		if strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error is %q", name, err)
		}
	}
	s, _ := memory()
	s.entries.set = func(string, string, string) error { return errors.New("line 1\nline 2" + strings.Repeat(" on", 200)) }
	err := s.Set("a1", nil)
	unavailable(t, err, "the keyring refuses: line 1 line 2")
	if len(err.Error()) > 300 {
		t.Errorf("the error has %d characters", len(err.Error()))
	}
}

func TestWithoutASessionNobodyIsAsked(t *testing.T) {
	s, _ := memory()
	s.entries.ready = func() error { return errors.New("there is nobody") }
	s.entries.get = func(string, string) (string, error) { panic("the library was called") }
	_, _, err := s.Get("a1")
	unavailable(t, err, "there is nobody")
}

// unavailable checks that an error says that the keyring could not tell, and why.
func unavailable(t *testing.T, err error, cause string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), cause) {
		t.Errorf("the error is %v, want one with %q", err, cause)
	}
}
