// Package keyring keeps small secrets in the user's own keyring: the Secret
// Service on Linux (GNOME Keyring, KWallet, KeePassXC), the Keychain on macOS,
// the Credential Manager on Windows.
//
// A keyring can be absent, be locked, ask the user something, or hang. So every
// call is bounded, and what it returns tells three things apart: the entry, that
// there surely is none, and that nobody could tell. Nothing is asked before the
// first call.
//
// Start at [System].
package keyring

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	library "github.com/zalando/go-keyring"
)

const (
	// service is the name under which the user sees the entries.
	service = "codestream-agent"

	// timeout bounds a call. A keyring on the same machine takes milliseconds; one
	// that takes longer waits for the user, who may not be there.
	timeout = 3 * time.Second
)

// System is the keyring of the user's session. Its methods may be called from
// many goroutines. They take turns, so that the user is asked one thing at a time.
//
// An error means that the keyring could not tell, and says why: there is none, it is
// locked, or it does not answer. No secret is in it. The entry may well be there: try
// again later.
type System struct {
	entries entries
	timeout time.Duration // bounds each call, and the wait for its turn
	turn    chan struct{} // one slot, held by the call under way

	mu sync.Mutex // guards hanging
	// hanging is true while the call under way is one that its caller has given up.
	hanging bool
}

// entries is what a library offers, under names of the form service and user.
type entries struct {
	get    func(service, user string) (string, error)
	set    func(service, user, value string) error
	delete func(service, user string) error
	// ready fails where there is nobody to ask. It may not block.
	ready func() error
	// done gives back what the call held.
	done func()
}

// New returns the system's keyring. It asks nothing.
func New() *System {
	return newSystem(entries{library.Get, library.Set, library.Delete, findSession, endSession})
}

func newSystem(e entries) *System {
	return &System{entries: e, timeout: timeout, turn: make(chan struct{}, 1)}
}

// Get returns the value of the entry id. found is false where the keyring says
// that it has none, or one that Set did not write.
func (s *System) Get(id string) (value []byte, found bool, err error) {
	text, err := s.call("", func() (string, error) { return s.entries.get(service, id) })
	if errors.Is(err, library.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	value, err = base64.StdEncoding.DecodeString(text)
	return value, err == nil, nil
}

// Set writes the entry id, in place of what it was. After an error it may have been
// written or not.
func (s *System) Set(id string, value []byte) error {
	text := base64.StdEncoding.EncodeToString(value)
	_, err := s.call(text, func() (string, error) { return "", s.entries.set(service, id, text) })
	return err
}

// Delete removes the entry id, which need not be there. After an error it may still be
// there.
func (s *System) Delete(id string) error {
	_, err := s.call("", func() (string, error) { return "", s.entries.delete(service, id) })
	if errors.Is(err, library.ErrNotFound) {
		return nil
	}
	return err
}

// errPanic stands for a panic of the library. What it said is not told, since
// nobody knows what is in it.
var errPanic = errors.New("it sends what cannot be understood")

// call runs fn in a goroutine of its own, for no longer than the timeout. The
// libraries cannot be interrupted: a call that hangs keeps its goroutine and its
// turn, and until it ends every other call fails at once. secret is kept out of
// the error.
func (s *System) call(secret string, fn func() (string, error)) (string, error) {
	if err := s.entries.ready(); err != nil {
		return "", err
	}
	if s.hangs() {
		return "", errors.New("the keyring has not answered yet; it may be waiting for you to unlock it")
	}
	limit := time.NewTimer(s.timeout)
	defer limit.Stop()
	slow := fmt.Errorf("the keyring does not answer within %v; it may be waiting for you to unlock it", s.timeout)
	select {
	case s.turn <- struct{}{}:
	case <-limit.C:
		return "", slow
	}
	type result struct {
		value string
		err   error
	}
	results := make(chan result, 1)
	ended := false // guarded by mu
	go func() {
		var r result
		defer func() {
			if recover() != nil {
				r = result{err: errPanic}
			}
			s.mu.Lock()
			ended, s.hanging = true, false
			s.mu.Unlock()
			<-s.turn
			results <- r
		}()
		defer s.entries.done()
		r.value, r.err = fn()
	}()
	select {
	case r := <-results:
		if r.err != nil && !errors.Is(r.err, library.ErrNotFound) {
			r.err = explain(r.err, secret)
		}
		return r.value, r.err
	case <-limit.C:
		s.mu.Lock()
		s.hanging = !ended
		s.mu.Unlock()
		return "", slow
	}
}

func (s *System) hangs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hanging
}

// maxWords bounds how much of a keyring's own words goes into an error.
const maxWords = 200

// explain says why a keyring cannot be used. Its own words are dropped where they
// repeat the secret that they are about.
func explain(err error, secret string) error {
	if known := knownCause(err); known != "" {
		return errors.New(known)
	}
	words := strings.Join(strings.Fields(err.Error()), " ")
	if secret != "" && strings.Contains(words, secret) {
		return errors.New("the keyring refuses")
	}
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return errors.New("the keyring refuses: " + words)
}
