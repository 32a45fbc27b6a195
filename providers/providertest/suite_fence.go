package providertest

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// Headers that say who asks are the agent's, however they are spelled, and so
// are those that frame the request.
func (s Suite) testCallTakesNoCredentials(t *testing.T) {
	h := s.started(t, false)
	api := s.api(t, h)
	for _, name := range []string{
		"Authorization", "authorization", " AUTHORIZATION ", "Proxy-Authorization", "proxy_authorization", "Cookie",
		"Host", "Content-Length", "Transfer-Encoding", "transfer_encoding", "Connection",
		"", " ", "X Y", "Authorization:", "X\r\nAuthorization", "X\x00", "ä", "X-A(b)",
	} {
		call := h.List
		call.Headers = map[string]string{name: suiteSecret}
		_, err := api.Call(t.Context(), call)
		wantError(t, err, protocol.InvalidParams)
		if t.Failed() {
			t.Fatalf("with the header %q", name)
		}
	}
	for _, value := range []string{"a\r\nAuthorization: " + suiteSecret, "a\n", "\x00", "\x7f"} {
		call := h.List
		call.Headers = map[string]string{"X-Note": value}
		_, err := api.Call(t.Context(), call)
		wantError(t, err, protocol.InvalidParams)
	}
	for _, method := range []string{"CONNECT", "TRACE", "GET /", "G\r\nET", " "} {
		call := h.List
		call.Method = method
		_, err := api.Call(t.Context(), call)
		wantError(t, err, protocol.InvalidParams)
	}
	if h.Requests() != 0 {
		t.Error("the host was asked")
	}
	call := h.List
	call.Headers = map[string]string{"X-Note": "hello", "if-none-match": `"none"`}
	if _, err := api.Call(t.Context(), call); err != nil {
		t.Errorf("harmless headers: %v", err)
	}
}

// A path is refused, or it stays below the root of the API, also for a server or
// a proxy that undoes escapes, folds slashes and resolves dots.
func (s Suite) testCallStaysInTheAPI(t *testing.T) {
	h := s.started(t, false)
	base, err := url.Parse(s.Provider.Endpoints(h.URL).API)
	if err != nil {
		t.Fatal(err)
	}
	var asked *url.URL
	seeing := func(r *http.Request) (*http.Response, error) {
		asked = r.URL
		return h.Authorise(h.transport(t)).RoundTrip(r)
	}
	api := s.Provider.Host(h.URL, providers.NewClient(roundTripper(seeing), base.String()))
	root := base.Path + "/"
	for _, attack := range leavingPaths {
		asked = nil
		_, err := api.Call(t.Context(), protocol.CallAPIParams{Path: attack})
		if asked == nil {
			wantError(t, err, protocol.InvalidParams)
			continue
		}
		if asked.Scheme != base.Scheme || asked.Host != base.Host || asked.User != nil {
			t.Errorf("%q: went to %s", attack, asked.Redacted())
		}
		for spelling := asked.EscapedPath(); ; {
			if !strings.HasPrefix(path.Clean(strings.ReplaceAll(spelling, `\`, "/"))+"/", root) {
				t.Errorf("%q: went to %s, which is %s", attack, asked.EscapedPath(), spelling)
			}
			next := unescapeLeniently(spelling)
			if next == spelling {
				break
			}
			spelling = next
		}
	}
}

// leavingPaths are ways to write a path that leads out of the API.
var leavingPaths = []string{
	"../user", "/../user", "/..", "..", ".", "/./user", "user/..", "/user/../../../oauth/token",
	"/%2e%2e/%2e%2e/oauth/token", "/%2E%2E/user", "/.%2e/user", "/%2e./user", "/%2e", "/%252e%252e/%252e%252e/user",
	"/%25252e%25252e/user", "/%25zz/%252e%252e/%252e%252e/%252e%252e/user", "/%25/%252e%252e/%252e%252e/%252e%252e/user",
	"/..%2f..%2fuser", "/..%2F..%2Fuser", "/a%2f..%2f..%2f..%2fuser", "/..%252f..%252fuser", "/..%5c..%5cuser", `/..\..\user`, `\..\..\user`,
	"/..;/..;/user", "/..;x=1/user", "/..%3b/..%3b/user", "/.;/user", "/..%253bx/user", "//user", "///..//user", "/user//x", "/%2fuser", "/user%2f%2fx",
	"//example.com/user", "https://example.com/user", "@example.com/user", ":80@example.com/", "/\x00/../user", "/user\r\nHost: example.com",
	"/user\t", "/user#x", "/%zz/..", "/%", "/%2", "/%u002e%u002e/user", "/\u2025/user", "/\uff0e\uff0e/user", "/%c0%ae%c0%ae/user", "/\xff\xfe/../user",
	"", "/", "?", "/?x", "#", "/api/v4/../user", "/api/v4", "/api/v4/", "/api/v4//user", "/api/v4/%2e%2e/user", "api/v4/..", "?/../..", "/user?/../../x",
}

func unescapeLeniently(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		if len(text) >= 3 && text[0] == '%' {
			if char, err := url.PathUnescape(text[:3]); err == nil {
				out.WriteString(char)
				text = text[3:]
				continue
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return out.String()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A redirect out of the API is not followed: neither credentials nor a body reach
// whoever is there, on another host or on the same.
func (s Suite) testCallLeavesRedirectsAlone(t *testing.T) {
	h := s.started(t, false)
	var strangers atomic.Int32
	other := elsewhere(t, func(w http.ResponseWriter, _ *http.Request) {
		strangers.Add(1)
		answering(200, "[]", "Content-Type", "application/json")(w, nil)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{other + "/api", strings.TrimPrefix(other, "http:") + "/api", "/another-program", "SAM@"} {
			var asked atomic.Int32
			url := elsewhere(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				location := location
				if location == "SAM@" { // to the same place, with somebody's name
					location = "http://sam:" + suiteSecret + "@" + r.Host + r.URL.Path
				}
				answering(status, "", "Location", location)(w, r)
			})
			for _, call := range []protocol.CallAPIParams{h.List, h.Create} {
				asked.Store(0)
				_, err := s.hostAt(t, url).Call(t.Context(), call)
				if n := asked.Load(); n != 1 {
					t.Errorf("%d to %s: %d requests", status, location, n)
				}
				if e := wantError(t, err, protocol.NotGitLab, protocol.GitLabError); e.Status != status {
					t.Errorf("%d to %s: status %d", status, location, e.Status)
				}
			}
		}
	}
	if n := strangers.Load(); n != 0 {
		t.Errorf("%d redirects were followed out of the API", n)
	}
}
