package cli_test

import (
	"context"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/term"

	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// person sits at a terminal where a command runs. testscript's own ttyin types all
// at once: a person reads first.
type person struct {
	cmd     *exec.Cmd
	outer   *os.File // where they look and type
	inner   *os.File // what the command has
	before  *term.State
	screen  screen
	looking sync.WaitGroup
}

// screen is all that was shown.
type screen struct {
	mu   sync.Mutex // guards text
	text string
	news chan struct{} // holds one: there is more
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.text += string(p)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *screen) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}

// sit runs the program at a terminal.
func sit(ts *testscript.TestScript, neg bool, args []string) {
	p := &person{cmd: exec.Command(ts.Getenv("PROGRAM"), args...), screen: screen{news: make(chan struct{}, 1)}}
	var err error
	p.outer, p.inner, err = pty.Open()
	ts.Check(err)
	p.before, err = term.GetState(int(p.inner.Fd()))
	ts.Check(err)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = p.inner, p.inner, p.inner
	p.cmd.SysProcAttr = ownTerminal()
	p.cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "CODESTREAM_DATA_DIR", "CODESTREAM_KEYRING", "BROWSER", "SAM_PASSWORD"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(p.cmd.Start())
	p.looking.Go(func() { _, _ = p.outer.WriteTo(&p.screen) }) // until nobody has the terminal any more
	ts.Defer(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		_ = p.inner.Close()
		p.looking.Wait()
		_ = p.outer.Close()
	})
	of(ts).person = p
}

// see waits for a text; negated it says that none has been shown.
func see(ts *testscript.TestScript, neg bool, args []string) {
	p := of(ts).person
	if neg {
		if strings.Contains(p.screen.shown(), args[0]) {
			ts.Fatalf("the terminal shows\n%s", p.screen.shown())
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !strings.Contains(p.screen.shown(), args[0]) {
		select {
		case <-p.screen.news:
		case <-ctx.Done():
			ts.Fatalf("the terminal does not show %q, but\n%s", args[0], p.screen.shown())
		}
	}
}

// typeLine types a line, or what a file has: @FILE.
func typeLine(ts *testscript.TestScript, neg bool, args []string) {
	line := args[0]
	if name, isFile := strings.CutPrefix(line, "@"); isFile {
		line = strings.TrimSpace(ts.ReadFile(name))
	}
	of(ts).person.press(ts, line+"\r")
}

func pressCtrlC(ts *testscript.TestScript, neg bool, args []string) { of(ts).person.press(ts, "\x03") }

func (p *person) press(ts *testscript.TestScript, keys string) {
	_, err := p.outer.WriteString(keys)
	ts.Check(err)
}

// terminate ends the command as a system does that shuts down.
func terminate(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(of(ts).person.cmd.Process.Signal(syscall.SIGTERM))
}

var addressShown = regexp.MustCompile(`(?m)^ +(http\S+)`)

// pasteCallback opens the address that is shown, and pastes the one at which the
// browser stops.
func pasteCallback(ts *testscript.TestScript, neg bool, args []string) {
	p := of(ts).person
	found := addressShown.FindStringSubmatch(p.screen.shown())
	if found == nil {
		ts.Fatalf("there is no address in\n%s", p.screen.shown())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	callback, err := providertest.NewBrowser("sam", ts.Getenv("SAM_PASSWORD"), nil).ApproveUntilCallback(ctx, found[1])
	ts.Check(err)
	p.press(ts, callback+"\r")
}

// leave waits until the command has ended, with a status, and has left the terminal
// as it was.
func leave(ts *testscript.TestScript, neg bool, args []string) {
	p := of(ts).person
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-ended:
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-ended
		ts.Fatalf("the command does not end; the terminal shows\n%s", p.screen.shown())
	}
	after, err := term.GetState(int(p.inner.Fd()))
	ts.Check(err)
	ts.Check(p.inner.Close())
	p.looking.Wait()
	if status := strconv.Itoa(p.cmd.ProcessState.ExitCode()); status != args[0] {
		ts.Fatalf("the command ended with %s, want %s; the terminal shows\n%s", status, args[0], p.screen.shown())
	}
	if !reflect.DeepEqual(after, p.before) {
		ts.Fatalf("the terminal is not as it was: %+v, before %+v", after, p.before)
	}
}
