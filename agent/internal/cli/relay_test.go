package cli_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/teamcodestream/codestream-agent/agent/internal/relay"
)

// relayProcess is a running codestream-agent relay.
type relayProcess struct {
	cmd     *exec.Cmd
	address string
	logged  chan struct{} // closed when its log has ended
}

// startRelays starts so many relays with some flags; the log of each goes to
// relay-N.log.
func startRelays(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for i := range n {
		p := &relayProcess{cmd: exec.Command(ts.Getenv("PROGRAM"), append([]string{"relay", "--listen", "127.0.0.1:0"}, args[1:]...)...), logged: make(chan struct{})}
		stderr, err := p.cmd.StderrPipe()
		ts.Check(err)
		log, err := os.Create(ts.MkAbs(fmt.Sprintf("relay-%d.log", i)))
		ts.Check(err)
		ts.Check(p.cmd.Start())
		ts.Defer(func() { _ = p.cmd.Process.Kill() })
		lines := bufio.NewScanner(stderr)
		for p.address == "" && lines.Scan() {
			fmt.Fprintln(log, lines.Text())
			if _, rest, found := strings.Cut(lines.Text(), `"address":"`); found {
				p.address, _, _ = strings.Cut(rest, `"`)
			}
		}
		go func() {
			defer close(p.logged)
			defer log.Close()
			for lines.Scan() {
				fmt.Fprintln(log, lines.Text())
			}
		}()
		of(ts).relays = append(of(ts).relays, p)
	}
}

// relayed asks the Nth relay with a query, and wants to be sent on to this machine.
func relayed(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Get("http://" + of(ts).relays[n].address + relay.DefaultPath + args[1])
	ts.Check(err)
	resp.Body.Close()
	if got := resp.Header.Get("Location"); !strings.HasPrefix(got, "http://127.0.0.1:40000"+relay.CallbackPath+"?") {
		ts.Fatalf("status %d, and the browser goes to %q", resp.StatusCode, got)
	}
}

// healthy asks the Nth relay for its health.
func healthy(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + of(ts).relays[n].address + relay.HealthPath)
	ts.Check(err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("status %d", resp.StatusCode)
	}
}

// stopRelays ends the relays as systemd does.
func stopRelays(ts *testscript.TestScript, neg bool, args []string) {
	for _, p := range of(ts).relays {
		ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
		<-p.logged
		ts.Check(p.cmd.Wait())
	}
	of(ts).relays = nil
}
