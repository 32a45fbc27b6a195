package store_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// moment is how long a wait is tried that has to end in vain.
const moment = 60 * time.Millisecond

func TestAnAccountIsLockedForOtherProcesses(t *testing.T) {
	s := filled(t)
	holder := startHolder(t, s.Dir())
	refused(t, s, sam)
	free(t, s, alex) // another account is not concerned

	holder.letGo()
	free(t, s, sam)
}

func TestTheLockOfAKilledProcessIsFree(t *testing.T) {
	s := filled(t)
	holder := startHolder(t, s.Dir())
	refused(t, s, sam)
	holder.kill()
	free(t, s, sam)
}

func TestAnAccountIsLockedForOtherGoroutines(t *testing.T) {
	s := filled(t)
	unlock, err := s.LockAccount(t.Context(), sam)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, s, sam)                                   // by the slot of this process
	refused(t, store.New(s.Dir(), store.Options{}), sam) // by the file
	waiting := make(chan error, 1)
	go func() {
		next, err := s.LockAccount(context.Background(), sam)
		if err == nil {
			next()
		}
		waiting <- err
	}()
	unlock()
	if err := <-waiting; err != nil {
		t.Errorf("the next one did not get the lock: %v", err)
	}
}

func TestAWaitForALockEndsWithItsCause(t *testing.T) {
	s := filled(t)
	unlock, err := s.LockAccount(t.Context(), sam)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	why := errors.New("the editor has lost patience")
	for name, waiter := range map[string]*store.Store{"goroutine": s, "process": store.New(s.Dir(), store.Options{})} {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(why)
		if _, err := waiter.LockAccount(ctx, sam); !errors.Is(err, why) {
			t.Errorf("%s: the error is %v, want the cause of the cancellation", name, err)
		}
	}
}

// refused checks that the lock cannot be had.
func refused(t *testing.T, s *store.Store, key store.AccountKey) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	unlock, err := s.LockAccount(ctx, key)
	if err == nil {
		unlock()
	}
	if !errors.Is(err, protocol.StoreBusy) {
		t.Errorf("the lock of a held account: %v, want StoreBusy", err)
	}
}

// free checks that the lock can be had.
func free(t *testing.T, s *store.Store, key store.AccountKey) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	unlock, err := s.LockAccount(ctx, key)
	if err != nil {
		t.Fatalf("the lock of a free account: %v", err)
	}
	unlock()
}

// holder is another process that holds the lock of sam's account.
type holder struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func startHolder(t *testing.T, dir string) *holder {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), holderVariable+"="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &holder{cmd, stdin}
	t.Cleanup(h.kill)
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || strings.TrimSpace(line) != "held" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return h
}

// letGo ends the process in order.
func (h *holder) letGo() {
	h.stdin.Close()
	h.cmd.Wait()
}

func (h *holder) kill() {
	h.cmd.Process.Kill() // it may have ended
	h.cmd.Wait()
}
