package providers_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

func TestReadBody(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		body io.Reader
		want string
		long bool
		err  error
	}{
		"shorter":             {strings.NewReader("abc"), "abc", false, nil},
		"empty":               {strings.NewReader(""), "", false, nil},
		"just as long":        {strings.NewReader("abcde"), "abcde", false, nil},
		"longer":              {strings.NewReader("abcdef"), "abcde", true, nil},
		"much longer":         {strings.NewReader(strings.Repeat("abcde", 1000)), "abcde", true, nil},
		"broken":              {io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), "abc", false, broken},
		"broken after it all": {io.MultiReader(strings.NewReader("abcdef"), iotest.ErrReader(broken)), "abcde", true, nil},
	} {
		body, long, err := providers.ReadBody(&http.Response{Body: io.NopCloser(c.body)}, 5)
		if string(body) != c.want || long != c.long || !errors.Is(err, c.err) {
			t.Errorf("%s: got %q, %t, %v", name, body, long, err)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for header, c := range map[string]struct {
		media      string
		json, html bool
	}{
		"application/json":                  {"application/json", true, false},
		"Application/JSON; charset=utf-8":   {"application/json", true, false},
		"application/json;":                 {"application/json", true, false},
		"application/json; charset":         {"application/json", true, false},
		"application/problem+json":          {"application/problem+json", true, false},
		"application/x+jsonl":               {"application/x+jsonl", false, false},
		"application/jsonp":                 {"application/jsonp", false, false},
		"text/html":                         {"text/html", false, true},
		"TEXT/HTML;charset=UTF-8":           {"text/html", false, true},
		"text/html; charset; x":             {"text/html", false, true},
		"text/plain":                        {"text/plain", false, false},
		"":                                  {"", false, false},
		"/":                                 {"", false, false},
		"application/json, text/html":       {"", false, false},
		"text/x; note=\"application/json\"": {"text/x", false, false},
	} {
		h := http.Header{"Content-Type": {header}}
		if got := providers.MediaType(h); got != c.media || providers.IsJSON(h) != c.json || providers.IsHTML(h) != c.html {
			t.Errorf("%q: got %q, JSON %t, HTML %t", header, got, providers.IsJSON(h), providers.IsHTML(h))
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	const year = 365 * 24 * time.Hour
	for header, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"7":                                7 * time.Second,
		"3600":                             time.Hour,
		"-7":                               0,
		"1.5":                              0,
		"soon":                             0,
		"99999999999":                      year,
		"9223372036854775807":              year,
		"9223372036854775808":              0,
		"Mon, 06 May 2024 07:09:09 GMT":    time.Minute,
		"Mon, 06 May 2024 07:08:09 GMT":    0,
		"Mon, 06 May 2024 07:08:08 GMT":    0,
		"Monday, 06-May-24 07:08:19 GMT":   10 * time.Second,
		"Mon May  6 07:08:11 2024":         2 * time.Second,
		"Fri, 31 Dec 9999 23:59:59 GMT":    year,
		"Mon, 06 May 2024 07:09:09 +02:00": 0,
	} {
		h := http.Header{}
		h.Set("Retry-After", header)
		if got := providers.RetryAfter(h, now); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 0, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc…"}, {"abc", 0, "…"},
		{"äöü", 6, "äöü"}, {"äöü", 5, "äö…"}, {"äöü", 4, "äö…"}, {"€€", 2, "…"}, {"\x80\x80\x80", 1, "…"}, {"a\xff\xff", 4, "a\ufffd…"},
		{"\x1b[31mred\r\n\u009b0m\x7f", 99, " [31mred   0m "}, {"a\u202eb\u2066c\u200bd", 99, "a b c d"},
	} {
		if got := providers.Shorten(c.text, c.limit); got != c.want {
			t.Errorf("%q to %d: got %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestServerError(t *testing.T) {
	const id = "https://gitlab.example.com"
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	isJSON, isHTML := header("Content-Type", "application/json"), header("Content-Type", "text/html")
	for name, c := range map[string]struct {
		status int
		header http.Header
		code   protocol.Code // 0: nil
		words  string
	}{
		"rate limit":       {429, header("Retry-After", "7"), protocol.RateLimited, "slow down"},
		"rate limit, JSON": {429, isJSON, protocol.RateLimited, "slow down"},
		"server error":     {500, isJSON, protocol.GitLabError, "GitLab answered 500 Internal Server Error"},
		"bad gateway":      {502, header("X-Request-Id", "01ABC"), protocol.GitLabError, "GitLab answered 502 Bad Gateway"},
		"no such status":   {599, isHTML, protocol.GitLabError, "GitLab answered 599"},
		"page":             {200, isHTML, protocol.NotGitLab, "a web page came back, with status 200 OK"},
		"page not found":   {404, isHTML, protocol.NotGitLab, "a web page came back, with status 404 Not Found"},
		"redirect":         {302, header("Location", "/x"), protocol.NotGitLab, "a redirect to another place came back, with status 302 Found"},
		"text":             {400, header("Content-Type", "text/plain"), protocol.NotGitLab, "something other than JSON came back"},
		"a proxy's":        {407, isJSON, protocol.HostUnreachable, "the proxy answers 407 Proxy Authentication Required: it wants a user and a password"},
		"other JSON":       {200, isJSON, protocol.NotGitLab, "JSON of another program came back"},
		"GitLab's 404":     {404, isJSON, 0, ""},
		"GitLab's 400":     {400, isJSON, 0, ""},
		"GitLab's 499":     {499, isJSON, 0, ""},
	} {
		e := providers.ServerError(id, c.status, c.header, nil)
		if c.code == 0 {
			if e != nil {
				t.Errorf("%s: got %v", name, e)
			}
			continue
		}
		if e == nil {
			t.Errorf("%s: got nothing", name)
			continue
		}
		wantError(t, e, c.code, id)
		if e.Status != c.status || !strings.Contains(e.Message, c.words) {
			t.Errorf("%s: got %d %q", name, e.Status, e.Message)
		}
		if wait := providers.RetryAfter(c.header, time.Now()); c.code == protocol.RateLimited && e.RetryAfter != wait {
			t.Errorf("%s: retry after %v, want %v", name, e.RetryAfter, wait)
		}
		if request := c.header.Get("X-Request-Id"); strings.Contains(e.Hint, "request ID") != (request != "") {
			t.Errorf("%s: the hint is %q", name, e.Hint)
		}
		if request := c.header.Get("X-Request-Id"); !strings.Contains(e.Hint, request) {
			t.Errorf("%s: no request ID in %q", name, e.Hint)
		}
	}
}
