package providers_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/teamcodestream/codestream-agent/providers"
)

func TestSameOrigin(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"https://a.example", "https://a.example/x?y#z", true},
		{"https://a.example", "https://a.example:443", true},
		{"http://a.example:80", "http://a.example", true},
		{"HTTPS://A.example", "https://a.EXAMPLE", true},
		{"https://sam@a.example", "https://a.example", true},
		{"https://[2001:db8::1]", "https://[2001:DB8::1]:443", true},
		{"https://a.example:", "https://a.example", true},
		{"ssh://a.example", "ssh://a.example:22", true},
		{"https://bücher.example", "https://xn--bcher-kva.example", true},
		{"http://ｌｏｃａｌｈｏｓｔ", "http://localhost", true},
		{"https://xn--gitlb-7ve.example", "https://gitlab.example", false}, // with a Cyrillic а
		{"https://a.example", "http://a.example", false},
		{"https://a.example", "http://a.example:443", false},
		{"https://a.example", "https://a.example:8443", false},
		{"https://a.example", "https://b.example", false},
		{"https://a.example", "https://a.example.evil.org", false},
		{"https://a.example", "https://sub.a.example", false},
		{"https://a.example", "https://evil.org/https://a.example", false},
		{"https://a.example", "https://a.example@evil.org", false},
		{"http://127.0.0.1", "http://localhost", false},
		{"https://a.example", "/relative", false},
	} {
		a, errA := url.Parse(c.a)
		b, errB := url.Parse(c.b)
		if errA != nil || errB != nil || providers.SameOrigin(a, b) != c.same || providers.SameOrigin(b, a) != c.same {
			t.Errorf("%s and %s: want %t", c.a, c.b, c.same)
		}
	}
}

func TestDefaultPort(t *testing.T) {
	for scheme, port := range map[string]string{"http": "80", "https": "443", "ssh": "22", "ftp": "", "": ""} {
		if got := providers.DefaultPort(scheme); got != port {
			t.Errorf("%s: got %q", scheme, got)
		}
	}
}

// A redirect to somebody else is handed to the caller as it came, and nothing is
// sent there: no token, no body.
func TestClientFollowsNobodyElse(t *testing.T) {
	var strangers atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	defer stranger.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "moved")
	}))
	defer server.Close()
	c := providers.NewClient(http.DefaultTransport, server.URL)
	for _, to := range []string{
		stranger.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1), strings.Replace(server.URL, "http:", "https:", 1),
		"//" + strings.TrimPrefix(stranger.URL, "http://"), strings.Replace(stranger.URL, "//", "//"+strings.TrimPrefix(server.URL, "http://")+"@", 1),
		"vscode://codestream/callback",
	} {
		for _, status := range []string{"301", "302", "303", "307", "308"} {
			address := server.URL + "/?status=" + status + "&to=" + url.QueryEscape(to)
			for _, ask := range []func() (*http.Response, error){
				func() (*http.Response, error) { return c.Get(address) },
				func() (*http.Response, error) { return c.PostForm(address, url.Values{"code": {"glfake-code"}}) },
			} {
				resp, err := ask()
				if err != nil {
					t.Errorf("%s to %s: %v", status, to, err)
					continue
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || strconv.Itoa(resp.StatusCode) != status || string(body) != "moved" {
					t.Errorf("%s to %s: got %d %q, %v", status, to, resp.StatusCode, body, err)
				}
			}
		}
	}
	if n := strangers.Load(); n != 0 {
		t.Errorf("%d requests reached somebody else", n)
	}
}

// hops is a server where /N leads to /N-1, with that status.
func hops(t *testing.T, status int) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		if n == 0 {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Method+" "+string(body))
			return
		}
		http.Redirect(w, r, "/"+strconv.Itoa(n-1), status)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestClientFollowsBelowItsBase(t *testing.T) {
	for _, hop := range []struct {
		status, count, want int
		method, body        string
	}{
		{301, 1, 200, "GET", "GET "},
		{302, 4, 200, "GET", "GET "},
		{302, 5, 302, "GET", ""},
		{302, 1, 302, "POST", ""},
		{303, 1, 303, "POST", ""},
		{307, 2, 200, "POST", "POST a=b"},
		{308, 1, 200, "POST", "POST a=b"},
		{308, 1, 200, "DELETE", "DELETE a=b"},
	} {
		content := ""
		if hop.method != "GET" {
			content = "a=b"
		}
		server := hops(t, hop.status)
		req, err := http.NewRequestWithContext(t.Context(), hop.method, server.URL+"/"+strconv.Itoa(hop.count), strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := providers.NewClient(http.DefaultTransport, server.URL).Do(req)
		if err != nil {
			t.Errorf("%+v: %v", hop, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != hop.want || hop.want == 200 && string(body) != hop.body {
			t.Errorf("%+v: got %d %q", hop, resp.StatusCode, body)
		}
	}
}

// TestIsBelow has the other program on the same host, which must not see a token.
func TestIsBelow(t *testing.T) {
	const base = "https://example.com/gitlab/api/v4"
	for address, want := range map[string]bool{
		base:                     true,
		base + "/user":           true,
		base + "/projects/a%2Fb": true,
		"https://EXAMPLE.com:443/gitlab/api/v4/user": true,
		base + "x":                               false,
		base + "/../../other":                    false,
		base + "/%2e%2e/%2e%2e/other":            false,
		"https://example.com/gitlab":             false,
		"https://example.com/other":              false,
		"https://example.com:8443/gitlab/api/v4": false,
		"http://example.com/gitlab/api/v4":       false,
		"https://example.org/gitlab/api/v4":      false,
		"https://sam@example.com/gitlab/api/v4":  false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := providers.IsBelow(u, base); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}
