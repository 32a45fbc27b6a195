//go:build !windows

package sshconfig_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/sshconfig"
	"github.com/teamcodestream/codestream-agent/providers"
)

// patience bounds what has to happen.
const patience = 30 * time.Second

// slow is a host whose "Match exec" does not end by itself.
type slow struct {
	*sshconfig.Resolver
	t        *testing.T
	pipe     string   // is open for writing as long as the command runs
	running  *os.File // the same, for reading
	released string   // the command ends when somebody opens it for writing
}

var (
	slowHost = providers.SSHHost{Host: "slow"}
	workHost = providers.SSHHost{Host: "work"}
)

func newSlow(t *testing.T) *slow {
	t.Helper()
	dir := t.TempDir()
	running, released, script := filepath.Join(dir, "running"), filepath.Join(dir, "released"), filepath.Join(dir, "script")
	for _, pipe := range []string{running, released} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(script, []byte("exec 3>"+running+"\ncat "+released+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &slow{t: t, pipe: running, released: released}
	s.Resolver = resolver(t, "Match host slow exec \"/bin/sh "+script+"\"\n  HostName slow.example.com\nMatch host work\n  HostName work.example.com\n")
	return s
}

// resolve asks, and returns where the answer comes.
func (s *slow) resolve(ctx context.Context, asked providers.SSHHost) <-chan providers.SSHHost {
	answers := make(chan providers.SSHHost, 1)
	go func() {
		host, _ := s.Resolve(ctx, asked)
		answers <- host
	}()
	return answers
}

// awaitRunning waits until the command runs: it has then opened the pipe.
func (s *slow) awaitRunning() {
	s.t.Helper()
	opened := make(chan *os.File, 1)
	go func() {
		pipe, err := os.Open(s.pipe)
		if err != nil {
			s.t.Error(err)
		}
		opened <- pipe
	}()
	select {
	case s.running = <-opened:
		s.t.Cleanup(func() { s.running.Close() })
	case <-time.After(patience):
		s.t.Fatal("the command does not run")
	}
}

// awaitEnded waits until neither the command nor what it has started is there.
func (s *slow) awaitEnded() {
	s.t.Helper()
	if s.running == nil { // it may never have run
		var err error
		if s.running, err = os.OpenFile(s.pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { s.running.Close() })
	}
	if err := s.running.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, s.running); err != nil {
		s.t.Errorf("the command still runs: %v", err)
	}
}

func (s *slow) release() {
	s.t.Helper()
	pipe, err := os.OpenFile(s.released, os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	pipe.Close()
}

func (s *slow) want(answers <-chan providers.SSHHost, host string) {
	s.t.Helper()
	select {
	case got := <-answers:
		if got.Host != host {
			s.t.Errorf("got %+v, want the host %q", got, host)
		}
	case <-time.After(patience):
		s.t.Fatalf("there is no answer, want %q", host)
	}
}

// One command that hangs holds up nobody who asks for another host.
func TestOneHostDoesNotWaitForAnother(t *testing.T) {
	s := newSlow(t)
	waits := s.resolve(t.Context(), slowHost)
	s.awaitRunning()
	s.want(s.resolve(t.Context(), workHost), "work.example.com")
	s.release()
	s.want(waits, "slow.example.com")
}

// Who asks for the same host shares the answer; and who has stopped waiting stops
// nobody else.
func TestWaitingEndsWithItsContext(t *testing.T) {
	s := newSlow(t)
	first, cancelFirst := context.WithCancel(t.Context())
	one := s.resolve(first, slowHost)
	s.awaitRunning()
	second, cancelSecond := context.WithCancel(t.Context())
	two, three := s.resolve(second, slowHost), s.resolve(t.Context(), slowHost)
	cancelSecond()
	s.want(two, "")
	cancelFirst()
	s.want(one, "")
	s.release()
	s.want(three, "slow.example.com")
	s.awaitEnded()
}

// Where nobody waits any more, nothing goes on: not ssh, and not what it has started.
func TestNothingOutlivesItsLastCaller(t *testing.T) {
	s := newSlow(t)
	ctx, cancel := context.WithCancel(t.Context())
	only := s.resolve(ctx, slowHost)
	s.awaitRunning()
	cancel()
	s.want(only, "")
	s.awaitEnded()

	// What was given up is not remembered.
	again := s.resolve(t.Context(), slowHost)
	s.awaitRunning()
	s.release()
	s.want(again, "slow.example.com")
}

func TestACommandThatHangsIsEnded(t *testing.T) {
	s := newSlow(t)
	s.Timeout = 200 * time.Millisecond
	s.want(s.resolve(t.Context(), slowHost), "")
	s.awaitEnded()
}
