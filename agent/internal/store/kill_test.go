package store_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// moverVariable makes a process of the test binary write secrets in the data
// directory that it names, while the key moves to and fro, until it is killed.
const moverVariable = "STORE_TEST_MOVE"

// moverStore is the store of such a process, with its keyring beside the data.
func moverStore(dir string) *store.Store {
	return store.New(dir, store.Options{Keyring: keyDir(keyringBeside(dir))})
}

// keyringBeside is where the keyring is; it does not answer until it is made.
func keyringBeside(dir string) string { return filepath.Join(filepath.Dir(dir), "keyring") }

// move writes sam's tokens again and again, and says which are on disk.
func move(dir string) int {
	for i := 1; ; i++ {
		s := moverStore(dir)
		s.UseKeyring(i%2 == 0)
		access := fmt.Sprintf("access-%d", i)
		err := s.Update(func(tx *store.Tx) error {
			return tx.PutAccount(account(sam), store.Tokens{Access: secret.New(access)})
		})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(i)
	}
}

// A process that is killed, at whatever moment, loses nothing that it was told is
// on disk, and no other secret.
func TestAKilledProcessLosesNothing(t *testing.T) {
	kills := 30
	if testing.Short() {
		kills = 5
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(keyringBeside(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	s := moverStore(dir)
	update(t, s, fill)
	for range kills {
		acknowledged := killMover(t, dir, 1+rand.IntN(4), rand.IntN(200_000))
		got, err := tokens(moverStore(dir), sam)
		if err != nil {
			t.Fatalf("after the kill the tokens cannot be read: %v", err)
		}
		var written int
		if _, err := fmt.Sscanf(got.Access.Reveal(), "access-%d", &written); err != nil || written < acknowledged || written > acknowledged+1 {
			t.Errorf("the tokens are %q, and number %d was acknowledged", got.Access.Reveal(), acknowledged)
		}
		if got, err := clientSecret(moverStore(dir)); err != nil || got != "secret-of-the-client" {
			t.Fatalf("the client secret is lost: %v", err)
		}
	}
	expireNotes(t, s)
	s = moverStore(dir)
	write(t, s)
	write(t, s)
	wantSecrets(t, s)
	wantNotes(t, s, 1)
	entries, err := os.ReadDir(keyringBeside(dir))
	if err != nil || len(entries) != 1 || len(keyFiles(t, s)) != 0 {
		t.Errorf("the keyring has %v, the key files are %q; want one entry and no file: %v", entries, keyFiles(t, s), err)
	}
}

// killMover starts a process, lets it write a few times and work on for a little,
// and kills it. It returns the last number that was acknowledged.
func killMover(t *testing.T, dir string, writes, yields int) (last int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), moverVariable+"="+dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for seen := 1; lines.Scan(); seen++ {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Errorf("the process says: %s", strings.TrimSpace(lines.Text()))
		}
		if seen == writes {
			for range yields {
				runtime.Gosched()
			}
			cmd.Process.Kill()
		}
	}
	cmd.Wait() // it was killed
	return last
}
