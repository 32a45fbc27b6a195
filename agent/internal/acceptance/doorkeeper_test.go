//go:build doorkeeper

package acceptance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

const (
	username = "sam"
	password = "correct horse battery staple"

	// startup is how long Rails may take to serve.
	startup = 30 * time.Second
)

// An oauthApplication is one as an administrator registers it, in the form that
// the server reads from its environment.
type oauthApplication struct {
	Name         string `json:"name"`
	UID          string `json:"uid"`
	Secret       string `json:"secret,omitempty"`
	RedirectURI  string `json:"redirect_uri"`
	Scopes       string `json:"scopes"`
	Confidential bool   `json:"confidential"`
	Trusted      bool   `json:"trusted"`
}

// standard is the application that the documentation tells administrators to
// register.
func standard() oauthApplication {
	return oauthApplication{
		Name:         "CodeStream",
		UID:          "0d1f7c9a5a6f4b0e8a3f",
		Secret:       "gloas-b7c1e07f95d3416f8a20",
		RedirectURI:  auth.DefaultRedirectURI,
		Scopes:       "api",
		Confidential: true,
	}
}

// A doorkeeper is a running server.
type doorkeeper struct {
	t   *testing.T
	url string     // with the root, without a trailing slash
	ca  *authority // of its certificate; nil where it speaks plain http
}

// startDoorkeeper starts a server with these applications. env, in the form
// NAME=value, is what README.md of the server lists. It ends with the test, and
// with this process, whose end closes its standard input.
func startDoorkeeper(t *testing.T, env []string, applications ...oauthApplication) *doorkeeper {
	t.Helper()
	ruby, err := exec.LookPath("ruby")
	if err != nil {
		t.Fatalf("these tests need Ruby; testdata/doorkeeper/README.md lists the packages: %v", err)
	}
	list, err := json.Marshal(applications)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ruby, "testdata/doorkeeper/server.rb")
	cmd.Dir = repository
	cmd.Env = slices.Concat(os.Environ(), env, []string{
		"PORT=0", "DOORKEEPER_APPLICATIONS=" + string(list), "DOORKEEPER_PASSWORD=" + password, "DOORKEEPER_TMP=",
	})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
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
	kill := func() { _ = cmd.Process.Kill() }
	t.Cleanup(func() {
		defer time.AfterFunc(farewell, kill).Stop()
		stdin.Close()
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("the server ended with %v, and wrote:\n%s", err, &stderr)
		}
	})
	late := time.AfterFunc(startup, kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	late.Stop()
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		t.Fatalf("the server does not say where it listens: %q, %v", line, err)
	}
	return &doorkeeper{t: t, url: address}
}

// at returns the server for a part of the test.
func (d *doorkeeper) at(t *testing.T) *doorkeeper { return &doorkeeper{t, d.url, d.ca} }

// browser returns sam's browser, without cookies.
func (d *doorkeeper) browser() *providertest.Browser {
	if d.ca == nil {
		return providertest.NewBrowser(username, password, nil)
	}
	return providertest.NewBrowser(username, password, d.ca.pem)
}

// network is how the agent reaches the server; nil where it needs nothing.
func (d *doorkeeper) network() *protocol.Network {
	if d.ca == nil {
		return nil
	}
	return &protocol.Network{CAFile: d.ca.file}
}

// client reaches the server.
func (d *doorkeeper) client() *http.Client {
	if d.ca == nil {
		return http.DefaultClient
	}
	return d.ca.client()
}

// expireTokens makes the user's access tokens expired, and says how many.
func (d *doorkeeper) expireTokens() int { return d.hook("expire") }

// revokeTokens revokes the user's tokens, and says how many were alive.
func (d *doorkeeper) revokeTokens() int { return d.hook("revoke") }

func (d *doorkeeper) hook(name string) int {
	d.t.Helper()
	var answer struct{ Tokens int }
	if status := d.post("/test/"+name, url.Values{"user": {username}}, &answer); status != http.StatusOK {
		d.t.Fatalf("the hook %s answers %d", name, status)
	}
	return answer.Tokens
}

// userStatus asks the API who the owner of an access token is, and returns the
// status of the answer.
func (d *doorkeeper) userStatus(accessToken string) int {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodGet, d.url+"/api/v4/user", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+accessToken)
	return d.do(r, nil)
}

// refreshError offers a refresh token, and returns OAuth's word for what is wrong
// with it: "" where it was good.
func (d *doorkeeper) refreshError(app oauthApplication, refreshToken string) string {
	d.t.Helper()
	var answer struct{ Error string }
	d.post("/oauth/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refreshToken},
		"client_id": {app.UID}, "client_secret": {app.Secret},
	}, &answer)
	return answer.Error
}

func (d *doorkeeper) post(path string, form url.Values, answer any) (status int) {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodPost, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(r, answer)
}

func (d *doorkeeper) do(r *http.Request, answer any) (status int) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	resp, err := d.client().Do(r.WithContext(ctx))
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && answer != nil {
		err = json.Unmarshal(body, answer)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", r.URL.Path, err)
	}
	return resp.StatusCode
}

// behindTLS returns the server as it is reached by an nginx before it.
func (d *doorkeeper) behindTLS(t *testing.T, ca *authority) *doorkeeper {
	t.Helper()
	host, root, _ := strings.Cut(strings.TrimPrefix(d.url, "http://"), "/")
	url := startNginx(t, ca, host)
	if root != "" {
		url += "/" + root
	}
	return &doorkeeper{t: t, url: url, ca: ca}
}
