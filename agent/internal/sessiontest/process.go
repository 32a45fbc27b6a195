package sessiontest

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Launcher starts an agent on a data directory. env, in the form NAME=value, is
// for those that have an environment of their own. The agent does not outlive t.
type Launcher func(t testing.TB, dataDir string, env []string) *Process

// Process is a running agent, as its editor sees it. Its functions may be called
// from any goroutine, and more than once.
type Process struct {
	Stdin  io.WriteCloser
	Stdout io.Reader
	// Stderr returns what the agent has written to stderr.
	Stderr func() string
	// Wait waits for the end and returns the exit status: -1 for one that was
	// killed.
	Wait func() int
	// PID is the process of an agent that has one of its own, else 0.
	PID int
	// Kill ends the agent without asking it.
	Kill func()
}

// linger is how long a process may hold its output open after its end, and how
// long an agent that was told to end may take.
const linger = 5 * time.Second

// Binary launches the program at path as an editor does: "path --stdio", with more
// arguments where there are. Its environment is its own: the home directory and
// all that hangs below it are temporary unless env says where, and neither
// $BROWSER, nor a display, nor the keyring of whoever runs the tests are there.
func Binary(path string, more ...string) Launcher {
	return func(t testing.TB, dataDir string, env []string) *Process {
		t.Helper()
		cmd := exec.Command(path, append([]string{"--stdio"}, more...)...)
		cmd.Dir = t.TempDir()
		cmd.Env = slices.Concat(inherited(), home(cmd.Dir), []string{"CODESTREAM_KEYRING=off"}, env, []string{"CODESTREAM_DATA_DIR=" + dataDir})
		return Start(t, cmd)
	}
}

// Start starts a command that is an agent, or becomes one. Its stderr is kept, unless
// the command has one. The process does not outlive t.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	cmd.WaitDelay = linger
	stderr := new(record)
	if cmd.Stderr == nil {
		cmd.Stderr = stderr
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	// Not StdoutPipe: its Wait would close what is still to be read.
	stdout, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = theirs
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		stdout.Close()
		t.Fatal(err)
	}
	wait := sync.OnceValue(func() int {
		_ = cmd.Wait() // the status tells all
		return cmd.ProcessState.ExitCode()
	})
	kill := func() { _ = cmd.Process.Kill() }
	t.Cleanup(func() {
		kill()
		wait()
		stdout.Close()
	})
	return &Process{Stdin: stdin, Stdout: stdout, Stderr: stderr.String, Wait: wait, Kill: kill, PID: cmd.Process.Pid}
}

// inherited is what a program needs of the environment to start at all, to find
// others, and to report its coverage and its races.
func inherited() []string {
	var env []string
	for _, name := range []string{"PATH", "SYSTEMROOT", "GOCOVERDIR", "GORACE"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// home points whatever names a directory of the user's below dir.
func home(dir string) []string {
	var env []string
	for name, below := range map[string]string{
		"HOME": "", "USERPROFILE": "", "TMPDIR": "", "TEMP": "", "TMP": "",
		"APPDATA": "AppData/Roaming", "LOCALAPPDATA": "AppData/Local",
		"XDG_CONFIG_HOME": ".config", "XDG_CACHE_HOME": ".cache",
		"XDG_DATA_HOME": ".local/share", "XDG_STATE_HOME": ".local/state",
	} {
		env = append(env, name+"="+filepath.Join(dir, filepath.FromSlash(below)))
	}
	return env
}

// InProcess launches an agent as a goroutine. serve returns the exit status; it
// has to return when ctx ends.
func InProcess(serve func(ctx context.Context, dataDir string, stdin io.Reader, stdout, stderr io.Writer) int) Launcher {
	return func(t testing.TB, dataDir string, _ []string) *Process {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		stdin, toStdin := io.Pipe()
		fromStdout, stdout := io.Pipe()
		stderr := new(record)
		status, ended := 0, make(chan struct{})
		go func() {
			defer close(ended)
			status = serve(ctx, dataDir, stdin, stdout, stderr)
			stdin.Close()
			stdout.Close()
		}()
		kill := func() {
			cancel()
			toStdin.Close()
			fromStdout.Close()
		}
		t.Cleanup(func() {
			kill()
			select {
			case <-ended:
			case <-time.After(linger):
				t.Errorf("the agent goes on %v after it was killed", linger)
			}
		})
		return &Process{
			Stdin: toStdin, Stdout: fromStdout, Stderr: stderr.String, Kill: kill,
			Wait: func() int {
				<-ended
				return status
			},
		}
	}
}

// record keeps what is written to it.
type record struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Clone(r.buf.String())
}
