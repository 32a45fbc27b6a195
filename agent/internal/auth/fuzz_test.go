package auth

import (
	"bufio"
	"encoding/json"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// fuzzState is the state of the sign-in that strangers try to answer.
const fuzzState = "STATE"

// FuzzCallbackQuery sends requests to the listener of a sign-in. Only one that is
// right in every way delivers a callback, and no answer has markup of a stranger's.
func FuzzCallbackQuery(f *testing.F) {
	const path, host, here = "/callback", "127.0.0.1:8000", "127.0.0.1:50000"
	for _, query := range []string{
		"", "?", "?code=c&state=STATE", "?code=c&state=STATE&state=STATE", "?state=STATE&error=%3Cscript%3E&error_description=%3Cb%3E",
		"?error=access_denied&state=STATE", "?code=c&state=state", "?code=c;state=STATE", "?code=%zz&state=STATE", "?%73tate=STATE&code=a&code=b",
		"?state=STATE&error=invalid_scope", "?state=STATE&error=invalid_redirect_uri", "?result=", "/?state=STATE", "#?state=STATE",
	} {
		f.Add("GET", path+query, host, here)
	}
	f.Add("POST", path+"?state=STATE", host, here)
	f.Add("GET", path+"?state=STATE", "evil.example", here)
	f.Add("GET", path+"?state=STATE", host, "192.0.2.1:50000")
	f.Add("GET", "http://127.0.0.1:8000"+path+"?state=STATE", "evil.example", "[::1]:50000")
	f.Add("OPTIONS", "*", host, here)
	f.Add("GET", "/%63allback?state=STATE", "127.0.0.1", "")
	in := store.Instance{ID: "https://gitlab.example.com", Name: "Work", Scopes: []string{"api"}}
	f.Fuzz(func(t *testing.T, method, target, hostHeader, remote string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: " + hostHeader + "\r\n\r\n")))
		if err != nil {
			return // net/http answers these by itself
		}
		r.RemoteAddr = remote
		s := &signIn{instance: in, state: fuzzState, callback: make(chan url.Values, 1), local: &url.URL{Scheme: "http", Host: host, Path: path}}
		c := newCallbackServer(nil, s)
		c.conclude(outcome{instance: in, err: errPanicked}) // so that nobody waits
		w := httptest.NewRecorder()
		c.handle(w, r)

		query, _ := url.ParseQuery(r.URL.RawQuery) // what cannot be read is left out
		from, err := netip.ParseAddrPort(remote)
		right := r.Method == "GET" && r.URL.EscapedPath() == path && r.Host == host && r.ContentLength == 0 &&
			err == nil && from.Addr().Unmap().IsLoopback() && slices.Equal(query["state"], []string{fuzzState})
		if delivered := len(s.callback) == 1; delivered != right {
			t.Fatalf("%s %q for %q from %q: delivered is %v", r.Method, target, hostHeader, remote, delivered)
		}
		if right != (w.Code == http.StatusSeeOther) || w.Code < 300 {
			t.Errorf("the answer is %d", w.Code)
		}
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("there is a header %s", name)
			}
		}
		if w.Header().Get("X-Frame-Options") != "DENY" {
			t.Error("the answer can be framed")
		}
		wantNoMarkup(t, w.Body.String())
		if right { // the page that follows has GitLab's words in it
			_, err := codeOf(in, <-s.callback)
			last := httptest.NewRecorder()
			renderPage(last, http.StatusOK, outcome{instance: in, err: err})
			wantNoMarkup(t, last.Body.String())
		}
	})
}

// wantNoMarkup checks that a page has the template's elements and no others.
func wantNoMarkup(t *testing.T, body string) {
	t.Helper()
	if !strings.HasPrefix(body, "<!DOCTYPE html>") {
		if strings.ContainsAny(body, "<>&") {
			t.Errorf("plain text with markup: %q", body)
		}
		return
	}
	for _, tag := range tags.FindAllStringSubmatch(body, -1) {
		if !slices.Contains(templateElements, tag[1]) {
			t.Errorf("the page has an element %q:\n%s", tag[1], body)
		}
	}
}

var tags = regexp.MustCompile(`</?([^\s/>]*)`)

// templateElements are those of page.html.
var templateElements = []string{
	"!DOCTYPE", "html", "head", "meta", "title", "style", "body", "header", "main", "svg", "circle", "path", "h1", "p", "dl", "dt", "dd", "span", "code",
}

// FuzzTokenAnswer reads answers of the token endpoint: each is a grant that can be
// used and saved, or an error that is known.
func FuzzTokenAnswer(f *testing.F) {
	const right = `"access_token":"glfake-a","token_type":"Bearer","refresh_token":"glfake-r","scope":"api"`
	for _, body := range []string{
		"{" + right + "}", "{" + right + `,"expires_in":7200}`, "{" + right + `,"expires_in":"1e999"}`, "{" + right + `,"expires_in":-1}`,
		"{" + right + `,"expires_in":1e-300}`, "{" + right + `,"scope":"x"}`, "\xef\xbb\xbf{" + right + "}", "{" + right, "{" + right + "}{}", "[]", "null", "",
		`{"access_token":"a\u0000b","token_type":"bearer"}`, `{"access_token":"a","token_type":"mac"}`, `{"access_token":1}`, "access_token=a&token_type=bearer",
	} {
		f.Add(200, "application/json; charset=utf-8", []byte(body))
	}
	for _, body := range []string{
		`{"error":"invalid_grant"}`, `{"error":"invalid_client","error_description":"x"}`, `{"error":"invalid_scope"}`, `{"error":1}`, `{"error":"\u2028<b>"}`, "{}", "",
	} {
		f.Add(400, "application/json", []byte(body))
	}
	f.Add(400, "text/html", []byte(`{"error":"invalid_grant"}`))
	f.Add(502, "application/json", []byte(`{"error":"invalid_grant"}`))
	f.Add(429, "text/plain", []byte("Retry later"))
	f.Add(302, "", []byte{})
	f.Add(407, "application/json", []byte(`{"error":"invalid_grant"}`))
	a := &application{
		instance: "https://gitlab.example.com", config: oauth2.Config{Scopes: []string{"api"}},
		seen: func(secret.Text) {}, hide: func(text string) string { return text },
	}
	issued := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		g, err := a.readToken(answer{status, http.Header{"Content-Type": {contentType}}, body}, issued)
		if err != nil {
			checkTokenError(t, status, contentType, err)
			if !g.access.IsEmpty() && !isPlain(g.access.Reveal()) || !g.refresh.IsEmpty() {
				t.Error("an answer that was turned down leaves more than a token to revoke")
			}
			return
		}
		if status != http.StatusOK || !isPlain(g.access.Reveal()) || !g.refresh.IsEmpty() && !isPlain(g.refresh.Reveal()) || g.tokenType != "Bearer" {
			t.Errorf("a grant of %d: %+v", status, g)
		}
		if !g.issued.Equal(issued) || !g.expires.IsZero() && (g.expires.Before(issued) || g.expires.After(issued.Add(maxLife))) {
			t.Errorf("it lives from %v to %v", g.issued, g.expires)
		}
		for _, scope := range g.scopes {
			if !isPlain(scope) {
				t.Errorf("the scope %q", scope)
			}
		}
		if _, err := json.Marshal(withGrant(store.Account{}, g)); err != nil {
			t.Errorf("it cannot be saved: %v", err)
		}
	})
}

// checkTokenError checks that an error is known, and that nothing but a refusal of
// GitLab's says that a grant is no longer good.
func checkTokenError(t *testing.T, status int, contentType string, err error) {
	t.Helper()
	var known *protocol.Error
	switch {
	case errors.Is(err, errInvalidGrant):
		media, _, _ := mime.ParseMediaType(contentType)
		if status < 400 || status >= 500 || status == http.StatusTooManyRequests || status == http.StatusProxyAuthRequired || !strings.HasSuffix(media, "json") {
			t.Errorf("invalid_grant by %d %q", status, contentType)
		}
	case !errors.As(err, &known) || known.Message == "" || known.Hint == "":
		t.Errorf("the error %v is not known, or has no hint", err)
	case len(known.Message) > 3*maxDescription:
		t.Errorf("the message has %d bytes", len(known.Message))
	}
}

// isPlain reports whether a text can stand in a header and in an e-mail.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 4096
}

// FuzzRedirectURI configures redirect URIs. One that is accepted leads back to
// this machine, to a relay over https, or to an editor.
func FuzzRedirectURI(f *testing.F) {
	for _, uri := range []string{
		"", DefaultRedirectURI, "http://localhost:8000/a", "http://localhost/a", "http://[::1]:8000/", "http://[::1%25lo]/", "http://127.1/", "http://2130706433/",
		"http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1@evil.example/", "http://evil.example#127.0.0.1", "http://127.0.0.1.evil.example/",
		"HTTP://127.0.0.1/", "http:/127.0.0.1", "http:127.0.0.1", "https://relay.example/", "https:", "vscode://codestream/callback", "javascript:alert(1)",
		"JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd", "view-source:http://127.0.0.1/", "//127.0.0.1/", "\x00", "http://127.0.0.1/%zz", "x:\n",
		"http://[::ffff:127.0.0.1]/", "http://LOCALHOST:1/", "http://localhost.:1/", "http://127.0.0.1:8000/a?b=c", "http://127.0.0.1:٣/",
	} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, configured string) {
		if err := CheckRedirect(configured); err != nil {
			var known *protocol.Error
			if !errors.As(err, &known) || known.Hint == "" || known.Code != protocol.InvalidParams && known.Code != protocol.InvalidRedirect {
				t.Errorf("%q: the error %v is not known, or has no hint", configured, err)
			}
			return
		}
		u, err := url.Parse(RegisteredRedirect(configured))
		if err != nil {
			t.Fatalf("%q is accepted and cannot be read: %v", configured, err)
		}
		if u.Fragment != "" || u.User != nil || strings.ContainsFunc(configured, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%q is accepted", configured)
		}
		switch u.Scheme {
		case "http":
			ip := net.ParseIP(u.Hostname())
			if !strings.EqualFold(u.Hostname(), "localhost") && (ip == nil || !ip.IsLoopback()) || ip == nil && u.Port() == "" {
				t.Errorf("%q is accepted, and leads to %s", configured, u.Host)
			}
		case "https":
			if u.Hostname() == "" {
				t.Errorf("%q is accepted, and leads nowhere", configured)
			}
		case "", "javascript", "vbscript", "data", "file", "blob", "filesystem", "about", "view-source":
			t.Errorf("%q is accepted", configured)
		}
	})
}
