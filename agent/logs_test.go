package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// searched is the real program at its most talkative, with a GitLab whose secrets
// are looked for in all that comes out of it.
type searched struct {
	*running
	gitlab *providertest.GitLab
	app    providertest.Application
	sam    providertest.User
	// dataDir has what the program keeps; its log files are in logDir.
	dataDir, logDir string
	states          []string // of the sign-ins: in their URLs, and nowhere else
}

func startSearched(t *testing.T) *searched {
	t.Helper()
	g, err := providertest.StartGitLab(providertest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	s := &searched{
		gitlab: g, sam: g.AddUser(providertest.User{Username: "sam"}),
		app:     g.AddApplication(providertest.Application{Confidential: true, RedirectURIs: []string{auth.DefaultRedirectURI}, Scopes: []string{"api"}}),
		dataDir: filepath.Join(t.TempDir(), "data"), logDir: filepath.Join(t.TempDir(), "logs"),
	}
	launch := sessiontest.Binary(build(t, "./cmd/codestream-agent"), "-log-level", "debug", "-log-file", filepath.Join(s.logDir, "agent.log"))
	s.running = connect(t, launch(t, s.dataDir, nil)).initialize(map[string]any{
		"trace": "verbose", "initializationOptions": map[string]any{"browser": "none"},
	})
	return s
}

// refused makes a request that has to fail in a certain way.
func (s *searched) refused(want protocol.Code, method string, params any) {
	s.t.Helper()
	if err := s.Call(within(s.t), method, params, nil); !errors.Is(err, want) {
		s.t.Errorf("%s: %v, want %s", method, err, want.Name())
	}
}

func (s *searched) configure(secret string) error {
	return s.Call(within(s.t), protocol.Configure.Method(), protocol.ConfigureParams{URL: s.gitlab.URL(), ClientID: s.app.ID, ClientSecret: secret}, nil)
}

// signIn begins to sign in, and lets a person do the rest in the browser.
func (s *searched) signIn(inBrowser func(b *providertest.Browser, signIn protocol.DidStartAuthenticationParams) error) error {
	s.t.Helper()
	answer := make(chan error, 1)
	go func() { answer <- s.Call(within(s.t), protocol.Authenticate.Method(), nil, nil) }()
	m, err := s.Next(within(s.t), protocol.DidStartAuthentication.Method())
	if err != nil {
		s.t.Fatal(err)
	}
	signIn := decode[protocol.DidStartAuthenticationParams](s.t, m.Params)
	u, err := url.Parse(signIn.AuthorizeURL)
	if err != nil {
		s.t.Fatal(err)
	}
	s.states = append(s.states, u.Query().Get("state"))
	if err := inBrowser(providertest.NewBrowser(s.sam.Username, s.sam.Password, nil), signIn); err != nil {
		s.t.Errorf("the browser: %v", err)
	}
	return <-answer
}

// newest is the secret of a kind that GitLab made last.
func (s *searched) newest(kind string) string {
	s.t.Helper()
	for _, secret := range slices.Backward(s.gitlab.Secrets()) {
		if strings.HasPrefix(secret, providertest.SecretPrefix+kind) {
			return secret
		}
	}
	s.t.Fatalf("GitLab made no secret of the kind %s", kind)
	return ""
}

// echo makes an endpoint of GitLab fail with a secret in its answer.
func (s *searched) echo(endpoint providertest.Endpoint, status int, body, secret string) {
	s.gitlab.SetFault(endpoint, providertest.Fault{Status: status, Body: fmt.Sprintf(body, secret), Times: 1})
}

// TestNoSecretGetsOut goes through all that has to do with secrets, much of it
// going wrong, and looks for each of them everywhere.
func TestNoSecretGetsOut(t *testing.T) {
	s := startSearched(t)
	if err := s.configure("glfake-cs-wrong-one"); !errors.Is(err, protocol.InvalidClient) {
		t.Errorf("a wrong secret: %v, want InvalidClient", err)
	}
	if err := s.configure(s.app.Secret); err != nil {
		t.Fatal(err)
	}
	s.refused(protocol.InvalidToken, protocol.Authenticate.Method(), protocol.AuthenticateParams{Method: protocol.MethodToken, Token: "glfake-pat-unused"})
	s.signInInAllWays()
	s.callInAllWays()
	s.searchProcess()
	s.call(protocol.Disconnect.Method(), nil, nil)
	s.call(protocol.Shutdown.Method(), nil, nil)
	s.notify(protocol.Exit.Method(), nil)
	s.wantEnd(0)
	s.searchAll()
}

func (s *searched) signInInAllWays() {
	s.t.Helper()
	err := s.signIn(func(b *providertest.Browser, signIn protocol.DidStartAuthenticationParams) error {
		_, err := b.Deny(within(s.t), signIn.AuthorizeURL)
		return err
	})
	if !errors.Is(err, protocol.SignInDenied) {
		s.t.Errorf("denied: %v, want SignInDenied", err)
	}
	s.echo(providertest.EndpointToken, http.StatusBadRequest, `{"error":"invalid_request","error_description":"the secret %s is bad"}`, s.app.Secret)
	approve := func(b *providertest.Browser, signIn protocol.DidStartAuthenticationParams) error {
		page, err := b.Approve(within(s.t), signIn.AuthorizeURL)
		if err == nil {
			s.search("the browser's page", page.Body, s.all())
		}
		return err
	}
	if err := s.signIn(approve); !errors.Is(err, protocol.GitLabError) {
		s.t.Errorf("with an answer that has the secret: %v, want GitLabError", err)
	}
	err = s.signIn(func(b *providertest.Browser, signIn protocol.DidStartAuthenticationParams) error {
		callback := signIn.RedirectURI + "?code=glfake-code-stranger&state=glfake-state-stranger"
		s.refused(protocol.CallbackRejected, protocol.CompleteAuthentication.Method(), protocol.CompleteAuthenticationParams{CallbackURL: callback})
		if page, err := b.Open(within(s.t), callback); err != nil || page.Status != http.StatusBadRequest {
			return fmt.Errorf("a stranger's callback is answered %v, %w", page, err)
		}
		return approve(b, signIn)
	})
	if err != nil {
		s.t.Fatalf("the sign-in: %v", err)
	}
}

func (s *searched) callInAllWays() {
	s.t.Helper()
	s.call(protocol.CurrentUser.Method(), nil, nil)
	s.gitlab.ExpireTokens("sam")
	s.echo(providertest.EndpointToken, http.StatusBadRequest, `{"error":"invalid_request","error_description":"the token %s is bad"}`, s.newest("rt"))
	s.refused(protocol.GitLabError, protocol.CurrentUser.Method(), nil)
	s.call(protocol.CurrentUser.Method(), nil, nil) // refreshed
	for _, body := range []string{`{"message":"the token %s is bad"}`, `{"error":"x","error_description":"the token %s is bad"}`, "<p>%s</p>", "%s"} {
		for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusInternalServerError} {
			s.echo(providertest.EndpointUser, status, body, s.newest("at"))
			if err := s.Call(within(s.t), protocol.CurrentUser.Method(), nil, nil); err == nil {
				s.t.Errorf("an answer with status %d and %q is none", status, body)
			}
		}
	}
	s.echo(providertest.EndpointUser, http.StatusBadRequest, `{"message":"the token %s is bad"}`, s.newest("at"))
	s.call(protocol.Diagnose.Method(), nil, nil)
	var result protocol.TokenResult
	s.call(protocol.Token.Method(), nil, &result)
	if result.AccessToken != s.newest("at") {
		s.t.Error("the token is not the newest, so that the search would miss it")
	}
	s.call(protocol.CallAPI.Method(), protocol.CallAPIParams{Path: "/projects", Query: map[string]protocol.QueryValue{"per_page": {"2"}}}, nil)
}

// searchProcess looks at what every user of the machine may see of the process.
func (s *searched) searchProcess() {
	s.t.Helper()
	if runtime.GOOS != "linux" {
		s.t.Log("only Linux shows a process in /proc: the command line and the environment are not searched")
		return
	}
	for _, name := range []string{"cmdline", "environ"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.PID, name))
		if err != nil || len(content) == 0 {
			s.t.Errorf("%s has %d bytes, %v", name, len(content), err)
		}
		s.search(name, string(content), s.all())
	}
}

func (s *searched) all() []string { return append(s.gitlab.Secrets(), s.states...) }

func (s *searched) searchAll() {
	s.t.Helper()
	for _, kind := range []string{"cs", "at", "rt", "code"} {
		s.newest(kind)
	}
	for _, m := range s.Messages() {
		raw := string(m.Raw)
		if m.Answers == protocol.Token.Method() {
			raw = strings.Replace(raw, decode[protocol.TokenResult](s.t, m.Result).AccessToken, "", 1)
		}
		s.search("a message of "+m.Answers+m.Method, raw, s.gitlab.Secrets())
	}
	s.search("stderr", s.Stderr(), s.all())
	files := 0
	for _, dir := range []string{s.dataDir, s.logDir} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			files++
			content, err := os.ReadFile(path)
			s.search(path, string(content), s.all())
			return err
		})
		if err != nil {
			s.t.Error(err)
		}
	}
	for _, line := range []string{
		"codestream-agent begins", "a request was answered", "method=gitlabSM/token", "an HTTP exchange", "requestId=",
		"the token is refreshed", "the user came back", "an account is forgotten", "/api/v4/projects?per_page ", "[secret]",
	} {
		if !strings.Contains(s.Stderr(), line) {
			s.t.Errorf("the log does not tell %q", line)
		}
	}
	if files < 3 {
		s.t.Errorf("only %d files were searched", files)
	}
}

// search looks for secrets in a text, as they are and as a URL has them.
func (s *searched) search(where, text string, secrets []string) {
	s.t.Helper()
	for _, secret := range append(secrets, providertest.SecretPrefix) {
		for _, form := range []string{secret, url.QueryEscape(secret)} {
			if at := strings.Index(text, form); at >= 0 {
				s.t.Errorf("a secret is in %s: …%s", where, text[max(0, at-200):min(len(text), at+80)])
				return
			}
		}
	}
}

func decode[T any](t *testing.T, data []byte) (value T) {
	t.Helper()
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
