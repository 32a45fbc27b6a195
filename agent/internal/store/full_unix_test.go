//go:build linux || darwin

package store_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// fullVariable makes a process of the test binary write to the data directory that
// it names until it is full. "LIMIT SIZE DIRECTORY": no file can have more than
// LIMIT bytes, and each account takes SIZE.
const fullVariable = "STORE_TEST_FULL"

func init() { helpers[fullVariable] = fillDisk }

// fillDisk writes accounts until one cannot be written, and says which are on
// disk and what the error is. What was there before has to be readable then.
func fillDisk(arguments string) int {
	var limit uint64
	var size int
	var dir string
	if _, err := fmt.Sscanf(arguments, "%d %d %s", &limit, &size, &dir); err != nil {
		fmt.Println(err)
		return 1
	}
	// Writing beyond the limit is an error, as on a full disk (setrlimit(2)); the
	// signal that comes with it is not handled and so ignored by Go.
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		fmt.Println(err)
		return 1
	}
	s := moverStore(dir)
	before, beforeErr := tokens(s, sam)
	for i := range 10_000 {
		key := store.AccountKey{Instance: gitlab, Account: fmt.Sprint(1000 + i)}
		err := s.Update(func(tx *store.Tx) error {
			a := account(key)
			a.User.Name = strings.Repeat("x", size)
			return tx.PutAccount(a, store.Tokens{Access: secret.New("access-" + key.Account)})
		})
		if err == nil {
			fmt.Println(key.Account)
			continue
		}
		var known *protocol.Error
		if !errors.As(err, &known) || known.Code != protocol.StoreDamaged || !strings.Contains(known.Hint, "disk is not full") {
			fmt.Printf("the error is %v\n", err)
			return 1
		}
		if got, err := tokens(s, sam); beforeErr == nil && (err != nil || got != before) {
			fmt.Printf("what was there cannot be read: %v\n", err)
			return 1
		}
		return 0
	}
	fmt.Println("the disk was never full")
	return 1
}

// On a full disk nothing new is kept, and nothing that was acknowledged is lost.
func TestAFullDisk(t *testing.T) {
	for _, limit := range []int{1 << 15, 40_000, 1 << 16, 100_000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			s := filled(t)
			kept := fillIn(t, s.Dir(), limit, 500)
			s = another(s)
			wantSecrets(t, s)
			for _, id := range kept {
				if got, err := tokens(s, store.AccountKey{Instance: gitlab, Account: id}); err != nil || got.Access.Reveal() != "access-"+id {
					t.Errorf("account %s, which was acknowledged, is lost: %v", id, err)
				}
			}
			write(t, s)
			if copies, _ := filepath.Glob(filepath.Join(s.Dir(), databaseFile+".damaged-*")); len(copies) > 0 {
				t.Errorf("the file was taken for damaged: %q", copies)
			}
		})
	}
}

// The disk is too full for the commit that moves the key into the keyring: the old
// key stays.
func TestAMoveOnAFullDisk(t *testing.T) {
	s := filled(t)
	old := keyFile(t, s)
	if err := os.Mkdir(keyringBeside(s.Dir()), 0o700); err != nil {
		t.Fatal(err)
	}
	const limit = 1 << 16 // the notes of keys fit
	if kept := fillIn(t, s.Dir(), limit, limit); len(kept) > 0 {
		t.Errorf("the accounts %q were kept", kept)
	}
	wantSecrets(t, moverStore(s.Dir()))
	if got := keyFile(t, s); got != old {
		t.Errorf("the key file is %s, and was %s", got, old)
	}
}

// A disk that was full from the beginning: the first use of a larger one, at the
// latest the second, has a store that works.
func TestADiskThatWasAlwaysFull(t *testing.T) {
	for _, limit := range []int{0, 10, 31, 5000, 1<<14 - 1, 1 << 14, 20_000} {
		s := store.New(filepath.Join(t.TempDir(), "data"), store.Options{})
		if kept := fillIn(t, s.Dir(), limit, 500); len(kept) > 0 {
			t.Errorf("with %d bytes the accounts %q were kept", limit, kept)
		}
		if err := s.Update(fill); err != nil {
			damaged(t, err)
			update(t, s, fill)
		}
		wantSecrets(t, s)
		expireNotes(t, s)
		write(t, s)
		if left := keyFiles(t, s); len(left) != 1 {
			t.Errorf("with %d bytes the key files %q are left", limit, left)
		}
	}
}

// fillIn runs fillDisk in a process of its own, and returns what it acknowledged.
func fillIn(t *testing.T, dir string, limit, size int) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %s", fullVariable, limit, size, dir))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Fields(string(out))
}
