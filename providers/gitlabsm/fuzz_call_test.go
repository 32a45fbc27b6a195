package gitlabsm_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

const (
	fuzzInstance = "https://gitlab.example.com/GitLab"
	fuzzHost     = "gitlab.example.com"
	fuzzAPI      = "/GitLab/api/v4/"
)

// sent is a request as a server reads it off the wire.
type sent struct {
	*http.Request
	body string
}

// callOffline makes a call without a network, and returns what would have been
// sent: nil where the call was refused, which is then checked.
func callOffline(t *testing.T, p protocol.CallAPIParams) *sent {
	t.Helper()
	var wire bytes.Buffer
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if err := r.Write(&wire); err != nil {
			t.Errorf("%+v: the request cannot be written: %v", p, err)
		}
		return answerTo(r, 200, nil, "[]"), nil
	})
	api := gitlabsm.Provider{}.Endpoints(fuzzInstance).API
	_, err := gitlabsm.Provider{}.Host(fuzzInstance, providers.NewClient(transport, api)).Call(t.Context(), p)
	if wire.Len() == 0 {
		var e *protocol.Error
		if !errors.As(err, &e) || e.Code != protocol.InvalidParams || e.Message == "" || e.Hint == "" || !isPlain(e.Message) {
			t.Errorf("%+v: refused with %q", p, err)
		}
		return nil
	}
	r := bufio.NewReader(&wire)
	req, err := http.ReadRequest(r)
	if err != nil {
		t.Fatalf("%+v: a server cannot read it: %v", p, err)
	}
	body, err := io.ReadAll(req.Body)
	if rest, _ := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Fatalf("%+v: after it comes %q, %v", p, rest, err)
	}
	return &sent{req, string(body)}
}

// answerTo is an answer in JSON, unless header says otherwise.
func answerTo(r *http.Request, status int, header http.Header, body string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, values := range header {
		h[name] = values
	}
	return &http.Response{
		StatusCode: status, Header: h, Request: r, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

// FuzzAPIPath takes any text for a path, its parameters and a body. What is sent
// goes below the API, also for a server or a proxy that undoes escapes and dots as
// often as it can, and names no other user.
func FuzzAPIPath(f *testing.F) {
	for _, seed := range []string{
		"/user", "user", "/projects/a%2Fb/issues?state=opened", "/api/v4/user", "../user", "/%252e%252e/user", "/..;/user", "/..%5c..", "//user", "/a%2f%2fb",
		"/user#x", "/us\x00er", "/%zz", "/user?a;private_token=b", "/user?[private_token]=b", "/user?private_token[]=b", "/user?%70rivate_token=b", "/x?a b HTTP/1.1", "/\u2025/ü\xff",
		"/x?a=%zz", "/user HTTP/1.1\r\nHost: x", "/?/../..", "@example.com/user", ":80/", "/p/!$&'()*+,;=:@[]|~",
	} {
		f.Add(seed, "a", "b")
	}
	f.Add("/user", "sudo", "1")
	f.Add("/user", " PRIVATE_TOKEN[", "1")
	f.Add("/user", "a&access_token", "1")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		member, err := json.Marshal(map[string]string{name: value})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []protocol.CallAPIParams{
			{Path: text, Query: map[string]protocol.QueryValue{name: {value}}},
			{Path: text, Method: "POST", Body: member},
		} {
			got := callOffline(t, p)
			if got == nil {
				continue
			}
			wantBelowAPI(t, p, got)
			names := parameterNames(got.URL.RawQuery)
			if p.Body != nil {
				names = append(names, strings.ToLower(name))
			}
			for _, forbidden := range []string{"private_token", "access_token", "bearer_token", "job_token", "sudo"} {
				if slices.Contains(names, forbidden) {
					t.Errorf("%+v: sends the parameter %s", p, forbidden)
				}
			}
		}
	})
}

// wantBelowAPI undoes escapes for as long as there are any.
func wantBelowAPI(t *testing.T, p protocol.CallAPIParams, got *sent) {
	t.Helper()
	if got.Host != fuzzHost || got.URL.Host != "" || got.URL.User != nil || got.URL.Fragment != "" || strings.ContainsAny(got.RequestURI, " \t\r\n#\\") {
		t.Errorf("%+v: goes to %q of %q", p, got.RequestURI, got.Host)
	}
	spelling, _, _ := strings.Cut(got.RequestURI, "?")
	for {
		folded := strings.ReplaceAll(spelling, `\`, "/")
		var parts []string
		for part := range strings.SplitSeq(folded, "/") {
			name, _, _ := strings.Cut(part, ";") // a path parameter
			parts = append(parts, name)
		}
		for _, reading := range []string{folded, strings.Join(parts, "/")} {
			if !strings.HasPrefix(path.Clean(reading)+"/", fuzzAPI) {
				t.Errorf("%+v: goes to %q, which is %q", p, got.RequestURI, spelling)
			}
		}
		next := unescapeOnce(spelling)
		if next == spelling {
			return
		}
		spelling = next
	}
}

// unescapeOnce undoes what is an escape and leaves what is none.
func unescapeOnce(text string) string {
	const digits = "0123456789abcdef"
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			high, low := strings.IndexByte(digits, text[i+1]|0x20), strings.IndexByte(digits, text[i+2]|0x20)
			if high >= 0 && low >= 0 && isHexDigit(text[i+1]) && isHexDigit(text[i+2]) {
				out = append(out, byte(high<<4|low))
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// parameterNames reads a query as old Racks do, which split it at semicolons too.
func parameterNames(query string) (names []string) {
	for part := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(part, "=")
		name = strings.TrimLeft(unescapeOnce(strings.ReplaceAll(name, "+", " ")), "[]")
		if end := strings.IndexAny(name, "[]"); end >= 0 {
			name = name[:end]
		}
		names = append(names, strings.ToLower(strings.TrimSpace(name)))
	}
	return names
}

// FuzzHeaders takes any text for a header. What is sent says neither who asks, nor
// from where, nor where the request ends.
func FuzzHeaders(f *testing.F) {
	for _, name := range []string{
		"X-Note", "authorization", " PRIVATE_TOKEN\t", "Job-Token", "deploy_token", "Cookie", "Host", "Sudo", "Proxy-Authorization", "X-Forwarded-For", "x_forwarded_host",
		"Forwarded", "Client-IP", "X-HTTP-Method-Override", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Expect", "Upgrade", "TE", "Gitlab-Shared-Secret",
		"Gitlab_Workhorse_Api_Request", "X-Gitlab-Static-Object-Token", "X-NuGet-ApiKey", "Accept", "User-Agent", "If-None-Match", "X:", "X\r\nSudo", "Äußerung", "",
	} {
		f.Add(name, "1")
	}
	f.Add("X-Note", "a\r\nSudo: root")
	f.Add("X-Note", "a\n b")
	f.Add("Accept", "\xff\x80")
	f.Fuzz(func(t *testing.T, name, value string) {
		p := protocol.CallAPIParams{Method: "POST", Path: "/user", Headers: map[string]string{name: value}, Body: json.RawMessage(`{"a":1}`)}
		got := callOffline(t, p)
		if got == nil {
			return
		}
		wantBelowAPI(t, p, got)
		if got.body != `{"a":1}` || got.Method != "POST" || len(got.TransferEncoding) > 0 || got.Close || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%q: the request is framed anew: %+v", name, got)
		}
		for sent, values := range got.Header {
			if len(values) != 1 || isForbidden(sent) {
				t.Errorf("%q: sends %s: %q", name, sent, values)
			}
			if !slices.Contains([]string{"Accept", "Content-Type", "Content-Length", "User-Agent"}, sent) && !strings.EqualFold(sent, strings.TrimSpace(name)) {
				t.Errorf("%q: sends another header, %s: %q", name, sent, values)
			}
		}
	})
}

// isForbidden is the list by which GitLab and the proxies before it tell who asks.
func isForbidden(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, prefix := range []string{"proxy-", "x-forwarded-", "gitlab-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"authorization", "cookie", "private-token", "job-token", "deploy-token", "sudo", "x-csrf-token", "x-gitlab-token", "x-gitlab-static-object-token", "x-nuget-apikey",
		"forwarded", "x-real-ip", "client-ip", "host", "connection", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive", "x-http-method-override",
	}, name)
}
