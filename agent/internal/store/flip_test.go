package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// A patient is a data directory whose file is damaged again and again.
type patient struct {
	dir     string
	healthy []byte
}

// newPatient takes a store with several pages of each kind.
func newPatient(t testing.TB) *patient {
	t.Helper()
	s := store.New(filepath.Join(t.TempDir(), "data"), store.Options{})
	for range 2 { // the second time pages become free
		if err := s.Update(fill); err != nil {
			t.Fatal(err)
		}
	}
	healthy, err := os.ReadFile(filepath.Join(s.Dir(), databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	return &patient{s.Dir(), healthy}
}

// survive uses a file that may be damaged in every way that there is. It may be
// put aside, with an error that says so; it may be read; but no secret is ever
// another than it was, and the store works afterwards.
func (p *patient) survive(t testing.TB, file []byte) {
	t.Helper()
	path := filepath.Join(p.dir, databaseFile)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s := store.New(p.dir, store.Options{})
	for key, want := range map[store.AccountKey]string{sam: "access-of-sam", alex: "access-of-alex"} {
		got, err := tokens(s, key)
		p.check(t, err)
		if err == nil && got.Access.Reveal() != want {
			t.Errorf("the tokens of account %s are another's", key.Account)
		}
	}
	text, err := clientSecret(s)
	p.check(t, err)
	if err == nil && text != "" && text != "secret-of-the-client" {
		t.Error("the client secret is another")
	}
	p.check(t, readAll(s))
	err = s.Update(func(tx *store.Tx) error {
		return tx.PutAccount(account(sam), store.Tokens{Access: secret.New("access-of-sam"), Refresh: secret.New("refresh-of-sam")})
	})
	p.check(t, err)
	if err == nil {
		if got, err := tokens(another(s), sam); err != nil || got.Access.Reveal() != "access-of-sam" {
			t.Errorf("what was saved cannot be read: %v", err)
		}
	}
}

// check checks that an error is one that callers know.
func (p *patient) check(t testing.TB, err error) {
	t.Helper()
	var known *protocol.Error
	switch {
	case err == nil, errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrKeyLost):
		return
	case !errors.As(err, &known) || known.Code != protocol.StoreDamaged || known.Details == nil || known.Hint == "":
		t.Errorf("the error is %v, want StoreDamaged with details and a hint", err)
		return
	}
	aside := known.Details.File
	if filepath.Base(aside) != databaseFile { // else it is of a newer version
		if err := os.Remove(aside); err != nil {
			t.Errorf("the damaged file was not put aside: %v", err)
		}
	}
}

// every is the distance of the places that are tried: all of them take a minute.
const every = 23

func TestFlippedBitsAreSurvived(t *testing.T) {
	p := newPatient(t)
	for at := 0; at < len(p.healthy); at += every {
		for _, bits := range []byte{0x01, 0x80, 0xff} {
			if p.healthy[at] == 0 && at%(5*every) != 0 {
				continue // most of a file is never read
			}
			file := bytes.Clone(p.healthy)
			file[at] ^= bits
			if p.survive(t, file); t.Failed() {
				t.Fatalf("byte %d is %#x in place of %#x", at, file[at], p.healthy[at])
			}
		}
	}
}

func TestTruncationAtAnyLengthIsSurvived(t *testing.T) {
	p := newPatient(t)
	for size := 0; size < len(p.healthy); size += 31 * every {
		if p.survive(t, p.healthy[:size]); t.Failed() {
			t.Fatalf("the file has %d bytes", size)
		}
	}
	p.survive(t, p.healthy[:len(p.healthy)-1])
}
