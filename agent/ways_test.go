package agent_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
	"github.com/teamcodestream/codestream-agent/agent/internal/relay"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// situation is where the agent runs, and who is around it. Its name is the head of
// a column of the table "Which way to sign in" in README.md.
type situation struct {
	name string
	// editorOpens: the editor opens the user's browser. Else nobody does, and the
	// user follows the link of didStartAuthentication.
	editorOpens bool
	// reachable: what listens on the agent's loopback is what the browser finds on
	// its own.
	reachable bool
}

var situations = []situation{
	{name: "on this machine", editorOpens: true, reachable: true},
	{name: "over SSH, without a browser there"},
	{name: "in a container, the editor outside", editorOpens: true},
}

// way is a way to sign in: a row of the table.
type way struct {
	name string
	// redirect is what is registered and configured, with ${port} for a free one;
	// "" for the agent's own.
	redirect string
	// method is that of the sign-in; default: browser.
	method protocol.AuthMethod
	// noApplication: only the URL is configured.
	noApplication bool
	// version is GitLab's; default: that of the fake.
	version string
	// cells are what comes of it in each situation: "works", "works, pasted", where
	// the user copies the address at which their browser stopped, or an error.
	cells []string
}

var ways = []way{
	{name: "browser", cells: []string{"works", "works, pasted", "works, pasted"}},
	{name: "browser, a port of its own", redirect: "http://127.0.0.1:${port}/callback", cells: []string{"works", "works, pasted", "works, pasted"}},
	{name: "browser, `localhost`", redirect: "http://localhost:${port}/callback", cells: []string{"works", "works, pasted", "works, pasted"}},
	{name: "browser, a relay", redirect: "https://codestream.example.com/callback", cells: []string{"works", "works, pasted", "works, pasted"}},
	{name: "browser, the editor's scheme", redirect: "vscode://teamcodestream.codestream/callback", cells: []string{"works", "works", "works"}},
	{name: "browser, no application ID", noApplication: true, cells: []string{"`InvalidClient`", "`InvalidClient`", "`InvalidClient`"}},
	{name: "device", method: protocol.MethodDevice, cells: []string{"works", "works", "works"}},
	{name: "device, before GitLab 17.2", method: protocol.MethodDevice, version: "17.1.8", cells: []string{"`UnsupportedVersion`", "`UnsupportedVersion`", "`UnsupportedVersion`"}},
	{name: "token, no application ID", method: protocol.MethodToken, noApplication: true, cells: []string{"works", "works", "works"}},
}

func TestWaysToSignIn(t *testing.T) {
	for _, w := range ways {
		if len(w.cells) != len(situations) {
			t.Fatalf("%s has %d cells for %d situations", w.name, len(w.cells), len(situations))
		}
		for i, s := range situations {
			t.Run(w.name+"/"+s.name, func(t *testing.T) {
				if got := w.play(t, s); got != w.cells[i] {
					t.Errorf("got %s, want %s", got, w.cells[i])
				}
			})
		}
	}
}

// play signs in this way in a situation, and returns what came of it.
func (w way) play(t *testing.T, s situation) string {
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	redirect := strings.ReplaceAll(w.redirect, "${port}", port)
	gitlab := newSite(t, providertest.Options{Version: w.version, DeviceInterval: 20 * time.Millisecond}, cmp.Or(redirect, "http://127.0.0.1/no-auth/provider-token/gitlab_enterprise"))
	r := start(t, func(c *agent.Config) {
		c.OpenBrowser = func(context.Context, string) error { return errors.New("this machine has no browser") }
	})
	r.initialize(map[string]any{"capabilities": map[string]any{"window": map[string]any{"showDocument": map[string]any{"support": s.editorOpens}}}})
	params := protocol.ConfigureParams{URL: gitlab.URL(), ClientID: gitlab.app.ID, ClientSecret: gitlab.app.Secret, RedirectURI: redirect}
	if w.noApplication {
		params.ClientID, params.ClientSecret = "", ""
	}
	r.call(protocol.Configure.Method(), params, nil)

	ask := protocol.AuthenticateParams{Method: w.method}
	if w.method == protocol.MethodToken {
		ask.Token = gitlab.AddPersonalAccessToken("sam", "api")
	}
	in := r.authenticate(ask)
	result := "works"
	select {
	case started := <-in.started:
		r.wantShown(s.editorOpens, cmp.Or(started.AuthorizeURL, started.VerificationURIComplete))
		result = gitlab.follow(r, started, s.reachable)
		err = <-in.ended
	case err = <-in.ended: // nobody had to go anywhere
	}
	if err != nil {
		return nameOf(t, err)
	}
	r.wantUser("sam")
	return result
}

// follow is the user in their browser, who approves, and does what it takes that
// the agent learns of it.
func (s *site) follow(r *running, started protocol.DidStartAuthenticationParams, reachable bool) string {
	s.t.Helper()
	browser := s.browser()
	scheme, _, _ := strings.Cut(started.RedirectURI, ":")
	if scheme == "" || scheme == "http" && reachable {
		s.wantPage(browser.Approve(within(s.t), cmp.Or(started.AuthorizeURL, started.VerificationURIComplete)))
		return "works"
	}
	callback, err := browser.ApproveUntilCallback(within(s.t), started.AuthorizeURL)
	if err != nil {
		s.t.Fatal(err)
	}
	if scheme == "https" && reachable {
		s.wantPage(browser.Open(within(s.t), throughRelay(s.t, callback)))
		return "works"
	}
	r.call(protocol.CompleteAuthentication.Method(), protocol.CompleteAuthenticationParams{CallbackURL: callback}, nil)
	if strings.HasPrefix(scheme, "http") {
		return "works, pasted"
	}
	return "works" // the system has handed it to the editor
}

func (s *site) wantPage(page *providertest.Page, err error) {
	s.t.Helper()
	if err != nil || page.Status != http.StatusOK {
		s.t.Errorf("the browser ends on %+v, %v", page, err)
	}
}

// throughRelay returns where a relay sends the browser that comes to it.
func throughRelay(t *testing.T, callback string) string {
	t.Helper()
	at, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	relay.Handler(at.Path).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, at.RequestURI(), nil))
	to := answer.Header().Get("Location")
	if to == "" {
		t.Fatalf("the relay answers %d, and sends nobody on", answer.Code)
	}
	return to
}

// wantShown checks that the editor is asked to open the browser, or that the user
// is told where to go.
func (r *running) wantShown(editorOpens bool, authorizeURL string) {
	r.t.Helper()
	method, names := protocol.ShowMessage.Method(), func(params json.RawMessage) bool {
		var p protocol.MessageParams
		return json.Unmarshal(params, &p) == nil && strings.Contains(p.Message, authorizeURL)
	}
	if editorOpens {
		method, names = protocol.ShowDocument.Method(), func(params json.RawMessage) bool {
			var p protocol.ShowDocumentParams
			return json.Unmarshal(params, &p) == nil && p.URI == authorizeURL
		}
	}
	if m, err := r.Next(within(r.t), method); err != nil || !names(m.Params) {
		r.t.Errorf("%s: %v, %v", method, m, err)
	}
}

// nameOf returns the name of an error as a cell has it. Whoever meets it is told
// the next step.
func nameOf(t *testing.T, err error) string {
	t.Helper()
	var answer *sessiontest.ResponseError
	var data protocol.ErrorData
	if !errors.As(err, &answer) || json.Unmarshal(answer.Data, &data) != nil {
		t.Fatalf("the sign-in ended with %v", err)
	}
	if data.Hint == "" {
		t.Errorf("%s has no hint", data.Name)
	}
	return "`" + data.Name + "`"
}

// The table of the README is that of this test.
func TestTheReadmeTellsTheWaysToSignIn(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	head, rule := "| way |", "|---|"
	for _, s := range situations {
		head, rule = head+" "+s.name+" |", rule+"---|"
	}
	table := head + "\n" + rule + "\n"
	for _, w := range ways {
		table += "| " + w.name + " | " + strings.Join(w.cells, " | ") + " |\n"
	}
	if !strings.Contains(string(text), "\n"+table+"\n") {
		t.Errorf("README.md lacks this table, or has it otherwise:\n\n%s", table)
	}
}
