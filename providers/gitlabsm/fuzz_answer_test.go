package gitlabsm_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// FuzzPages takes any answers for pages. Whatever they say of the next one, only
// what was asked for is asked again, and the number of requests is bounded.
func FuzzPages(f *testing.F) {
	for _, seed := range []struct{ link, otherLink, total, next, body string }{
		{`<https://gitlab.example.com/x?page=2>; rel="next"`, "", "", "2", "[1]"},
		{`<?page=2>; rel="next"`, `<?page=3>; rel="next"`, "", "", "[1]"},
		{`<https://sam:pw@evil.example/../../?private_token=x&sudo=1>; rel="next"`, "", "-1", "", `[{"a":1}]`},
		{`<?a b HTTP/1.1>; rel=next`, `<#?x>; rel=next`, "", "", "[]"},
		{`<//evil.example>; rel="next"`, `<%zz://>; rel="next"`, "x", "", "{}"},
		{"", "", "3", "99999999999999999999", "[1,2]"},
		{"", "", "1001", "", "[1]"},
		{"", "", "0x10", "", "null"},
		{`<?a;b=c>; rel="next"`, `<?%00>; rel="next"`, " 2 ", "", "[1"},
	} {
		f.Add(seed.link, seed.otherLink, seed.total, seed.next, seed.body)
	}
	f.Fuzz(func(t *testing.T, link, otherLink, total, next, body string) {
		asked := make(chan *http.Request, 2000)
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			asked <- r
			header := http.Header{"Link": {link}, "X-Total-Pages": {total}, "X-Next-Page": {next}}
			if len(asked)%2 == 0 {
				header.Set("Link", otherLink)
			}
			return answerTo(r, 200, header, body), nil
		})
		api := gitlabsm.Provider{}.Endpoints(fuzzInstance).API
		got, err := gitlabsm.Provider{}.Host(fuzzInstance, providers.NewClient(transport, api)).Call(t.Context(), allOf("/projects?order_by=id"))
		close(asked)
		if n := len(asked); n > 1000 {
			t.Errorf("%d requests", n)
		}
		for r := range asked {
			if r.Method != "GET" || r.URL.Scheme+"://"+r.URL.Host+r.URL.EscapedPath() != api+"/projects" || r.URL.User != nil || strings.ContainsAny(r.URL.RequestURI(), " \t\r\n#") {
				t.Errorf("asked for %s %s", r.Method, r.URL)
			}
		}
		var list []json.RawMessage
		if err == nil && json.Unmarshal(got.Body, &list) != nil {
			t.Errorf("all pages are %q", got.Body)
		}
		if err != nil {
			wantPlainError(t, err)
		}
	})
}

// FuzzErrorBody takes any answer for one that is no success. The error says so in
// words that fit into a message, whatever GitLab's own are.
func FuzzErrorBody(f *testing.F) {
	for _, seed := range []struct {
		status                  int
		kind, where, wait, body string
	}{
		{400, "application/json", "", "", `{"message":"400 Bad request"}`},
		{400, "application/json", "", "", `{"message":"\u001b[31mred\u001b[0m\r\n\u202eevil"}`},
		{400, "application/json", "", "", "{\"message\":[\"\xff\x7f\"]}"},
		{401, "application/json", "", "", `{"error":"invalid_token","error_description":"x"}`},
		{403, "application/json", "", "", `{"error":"insufficient_scope","scope":"api \u001b[31m read_\u009bapi"}`},
		{404, "application/json; charset=x", "", "", `{"message":{"a":["b"]}}`},
		{422, "application/problem+json", "", "", `{"message":"` + strings.Repeat("ü", 300) + `"}`},
		{302, "text/html", "https://\x9b.example/users/sign_in", "", ""},
		{302, "text/html", "https://a%c2%9bb.example/x", "", ""},
		{307, "application/json", "//" + strings.Repeat("a", 999), "", ""},
		{429, "text/plain", "", "99999999999999999", "Retry later"},
		{429, "text/plain", "", "-1", ""},
		{502, "text/html; charset", "", "", "<html>"},
		{101, "", "", "", ""},
		{999, "application/json", "%", "", "null"},
	} {
		f.Add(seed.status, seed.kind, seed.where, seed.wait, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, kind, where, wait string, body []byte) {
		if status < 100 || status > 999 { // net/http knows no others
			return
		}
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			header := http.Header{"Content-Type": {kind}, "Retry-After": {wait}, "X-Request-Id": {wait}}
			if where != "" {
				header.Set("Location", where)
			}
			return answerTo(r, status, header, string(body)), nil
		})
		host := gitlabsm.Provider{}.Host(fuzzInstance, providers.NewClient(transport, gitlabsm.Provider{}.Endpoints(fuzzInstance).API))
		got, err := host.Call(t.Context(), protocol.CallAPIParams{Path: "/user"})
		switch {
		case err != nil:
			e := wantPlainError(t, err)
			if e.Status != status && e.Code != protocol.HostUnreachable {
				t.Errorf("the status %d was told as %d", status, e.Status)
			}
		case status >= 300 && status != http.StatusNotModified:
			t.Errorf("the status %d was taken for a success", status)
		case !json.Valid(got.Body):
			t.Errorf("the body %q was told as %q", body, got.Body)
		}
	})
}

// wantPlainError checks that an error is one for a user: bounded, in words that
// can be seen, with a next step.
func wantPlainError(t *testing.T, err error) *protocol.Error {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no error of the protocol", err)
	}
	texts := []string{e.Message, e.Hint}
	if e.Details != nil {
		texts = append(texts, e.Details.Scopes...)
	}
	for _, text := range texts {
		if len(text) > 1500 || !isPlain(text) || text == "" {
			t.Errorf("%s: %q", e.Code.Name(), text)
		}
	}
	if !slices.Contains(protocol.Codes(), e.Code) || e.Code == protocol.InternalError || e.RetryAfter < 0 {
		t.Errorf("%+v", e)
	}
	return e
}
