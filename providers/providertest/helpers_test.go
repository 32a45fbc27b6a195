package providertest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const redirectURI = "http://127.0.0.1:7171/callback"

// A world is a server with a user, two applications and a careful client.
type world struct {
	*GitLab
	t            *testing.T
	sam          User
	confidential Application
	public       Application
	http         *http.Client
}

func start(t *testing.T, o Options) *world {
	t.Helper()
	g, err := StartGitLab(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(g.CertificatePEM())
	w := &world{GitLab: g, t: t, sam: g.AddUser(User{Username: "sam"})}
	w.http = &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	uris := []string{"http://127.0.0.1/callback", "http://localhost:7171/callback", "vscode://codestream.codestream/callback"}
	w.confidential = g.AddApplication(Application{
		Name: "CodeStream", RedirectURIs: uris, Scopes: []string{"api", "read_user"}, Confidential: true,
	})
	w.public = g.AddApplication(Application{Name: "Editor", RedirectURIs: uris, Scopes: []string{"api"}})
	return w
}

// clean asserts that the client of this test made no mistake.
func (w *world) clean() {
	w.t.Helper()
	if v := w.Violations(); len(v) > 0 {
		w.t.Errorf("violations: %q", v)
	}
}

func (w *world) browser() *Browser {
	return NewBrowser(w.sam.Username, w.sam.Password, w.CertificatePEM())
}

// authorizeURL is a fresh authorization request; changes are pairs of a name and
// a value, and an empty value takes the parameter away.
func (w *world) authorizeURL(app Application, changes ...string) (address, verifier string) {
	verifier = rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {app.ID}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"api"},
		"state": {rand.Text()}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}
	for i := 0; i < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return w.URL() + "/oauth/authorize?" + q.Encode(), verifier
}

// code signs in and returns an authorization code and its verifier.
func (w *world) code(app Application, changes ...string) (code, verifier string) {
	w.t.Helper()
	address, verifier := w.authorizeURL(app, changes...)
	callback, err := w.browser().ApproveUntilCallback(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	u, _ := url.Parse(callback)
	if code = u.Query().Get("code"); code == "" {
		w.t.Fatalf("no code in the callback's query %v", sortedKeys(u.Query()))
	}
	return code, verifier
}

func (w *world) codeForm(app Application, code, verifier string) url.Values {
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {app.ID}, "code": {code},
		"redirect_uri": {redirectURI}, "code_verifier": {verifier},
	}
	if app.Confidential {
		form.Set("client_secret", app.Secret)
	}
	return form
}

func (w *world) refreshForm(app Application, refresh string) url.Values {
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {app.ID}, "refresh_token": {refresh}}
	if app.Confidential {
		form.Set("client_secret", app.Secret)
	}
	return form
}

// A reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (r reply) text(name string) string { s, _ := r.json[name].(string); return s }

func (w *world) request(method, path, body string, headers ...string) (reply, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.URL()+path, strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return reply{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(data)}
	_ = json.Unmarshal(data, &r.json)
	return r, err
}

func (w *world) do(method, path, body string, headers ...string) reply {
	w.t.Helper()
	r, err := w.request(method, path, body, headers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) post(path string, form url.Values, headers ...string) reply {
	w.t.Helper()
	return w.do("POST", path, form.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

func (w *world) get(path, accessToken string) reply {
	w.t.Helper()
	if accessToken == "" {
		return w.do("GET", path, "")
	}
	return w.do("GET", path, "", "Authorization", "Bearer "+accessToken)
}

// want asserts a status, and the error code where there is one.
func (w *world) want(r reply, status int, code string) {
	w.t.Helper()
	if r.status != status || r.text("error") != code {
		w.t.Fatalf("got %d %q, want %d with error %q", r.status, r.body, status, code)
	}
}
