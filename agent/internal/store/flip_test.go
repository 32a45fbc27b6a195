package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// A patient is a data directory whose file is damaged again and again.
type patient struct {
	*store.Store
	healthy      []byte
	key          []byte
	keyFile      string
	clientSecret string
}

// newPatient takes a store of testdata/store.
func newPatient(t testing.TB, version, clientSecret string) *patient {
	t.Helper()
	p := &patient{Store: kept(t, version, store.Options{}), clientSecret: clientSecret}
	p.keyFile = keyFile(t, p.Store)
	var err, keyErr error
	p.healthy, err = os.ReadFile(filepath.Join(p.Dir(), databaseFile))
	p.key, keyErr = os.ReadFile(p.keyFile)
	if err := errors.Join(err, keyErr); err != nil {
		t.Fatal(err)
	}
	return p
}

// survive uses a file that may be damaged in every way that there is. It may be
// put aside, with an error that says so; it may be read; but no secret is ever
// another than it was, and the store works afterwards.
func (p *patient) survive(t testing.TB, file []byte) {
	t.Helper()
	for _, other := range keyFiles(t, p.Store) {
		if err := os.Remove(other); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(p.Dir(), databaseFile)
	if err := errors.Join(os.WriteFile(path, file, 0o600), os.WriteFile(p.keyFile, p.key, 0o600)); err != nil {
		t.Fatal(err)
	}
	s := another(p.Store)
	got, err := tokens(s, sam)
	p.check(t, err)
	if err == nil && (got.Access.Reveal() != "glfake-access-of-sam" || got.Refresh.Reveal() != "glfake-refresh-of-sam") {
		t.Error("the tokens are others")
	}
	text, err := clientSecret(s)
	p.check(t, err)
	if err == nil && text != "" && text != p.clientSecret {
		t.Error("the client secret is another")
	}
	p.check(t, readAll(s))
	err = s.Update(fill)
	p.check(t, err)
	if err == nil {
		wantSecrets(t, s)
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

// The client secrets in testdata/store.
const (
	secretOfV1 = "glfake-secret-of-the-first-version"
	secretOfV2 = "glfake-secret-of-the-second-version"
)

// every is the distance of the places that are tried: all of them take a minute.
const every = 23

func TestFlippedBitsAreSurvived(t *testing.T) {
	p := newPatient(t, "v2", secretOfV2)
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
	p := newPatient(t, "v2", secretOfV2)
	for size := 0; size < len(p.healthy); size += 31 * every {
		if p.survive(t, p.healthy[:size]); t.Failed() {
			t.Fatalf("the file has %d bytes", size)
		}
	}
	p.survive(t, p.healthy[:len(p.healthy)-1])
}
