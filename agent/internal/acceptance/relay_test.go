//go:build doorkeeper

package acceptance

import (
	"bufio"
	"encoding/json"
	"io"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestRelay signs in with an application that is registered with an https redirect
// URI alone. Two copies of the relay, of which each keeps nothing, take turns
// behind an nginx that speaks TLS.
func TestRelay(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	first, second := startRelay(t), startRelay(t)
	app := standard()
	app.RedirectURI = startNginx(t, ca, first.address, second.address) + "/no-auth/provider-token/gitlab_enterprise"
	d := startDoorkeeper(t, nil, app).behindTLS(t, ca)
	w := openWindow(t, t.TempDir(), app.Secret)
	ask(w, protocol.Configure, protocol.ConfigureParams{
		URL: d.url, ClientID: app.UID, ClientSecret: app.Secret, RedirectURI: app.RedirectURI, Network: d.network(),
	})
	var codes []string
	for range 2 {
		s := w.startSignIn(protocol.AuthenticateParams{})
		if s.RedirectURI != app.RedirectURI {
			t.Errorf("the redirect URI is %s, want %s", s.RedirectURI, app.RedirectURI)
		}
		browser := d.browser()
		callback, err := browser.ApproveUntilCallback(w.ctx, s.AuthorizeURL)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := url.Parse(callback)
		if err != nil || !strings.HasPrefix(callback, app.RedirectURI+"?") || parsed.Query().Get("code") == "" {
			t.Fatalf("GitLab does not send the browser to the relay with a code; %v", err)
		}
		codes = append(codes, parsed.Query().Get("code"))
		page, err := browser.Open(w.ctx, callback)
		if err != nil || !strings.HasPrefix(page.URL, "http://127.0.0.1:") || !strings.Contains(page.Body, "@"+username) {
			t.Fatalf("the browser did not end on the agent's page: %+v, %v", page, err)
		}
		d.checkUse(w, s.account())
	}
	for _, relay := range []*relayProcess{first, second} {
		log := relay.stop()
		if n := strings.Count(log, `"path":"/no-auth/provider-token/gitlab_enterprise","status":303`); n != 1 {
			t.Errorf("a copy of the relay sent %d browsers on, want 1:\n%s", n, log)
		}
		for _, code := range codes {
			if strings.Contains(log, code) {
				t.Error("a code is in the log of the relay")
			}
		}
	}
}

// A relayProcess is the program's relay, which speaks plain http.
type relayProcess struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	log     chan string // gets what it has written, when it has ended
}

// startRelay starts one. It ends with the test at the latest.
func startRelay(t *testing.T) *relayProcess {
	t.Helper()
	r := &relayProcess{t: t, cmd: exec.Command(agentPath, "relay", "--listen", "127.0.0.1:0"), log: make(chan string, 1)}
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	late := time.AfterFunc(startup, func() { _ = r.cmd.Process.Kill() })
	lines := bufio.NewReader(stderr)
	line, err := lines.ReadString('\n')
	late.Stop()
	var started struct{ Address string }
	if err != nil || json.Unmarshal([]byte(line), &started) != nil || started.Address == "" {
		t.Fatalf("the relay does not say where it listens: %q, %v", line, err)
	}
	r.address = started.Address
	go func() {
		rest, _ := io.ReadAll(lines)
		r.log <- line + string(rest)
	}()
	return r
}

// stop ends the relay as systemd does, and returns its log.
func (r *relayProcess) stop() string {
	r.t.Helper()
	defer time.AfterFunc(farewell, func() { _ = r.cmd.Process.Kill() }).Stop()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Error(err)
	}
	log := <-r.log
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("the relay ended with %v", err)
	}
	return log
}
