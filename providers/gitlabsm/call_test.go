package gitlabsm_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// secret is sent as access token by hostAt; it may turn up in no error.
const secret = "glfake-at-unit"

// hostAt is the API of a GitLab at that URL, with an access token.
func hostAt(url string) providers.Host {
	return gitlabsm.Provider{}.Host(url, providers.NewClient(withBearer(secret)(http.DefaultTransport), url))
}

// call makes one call to a server that is made of handler.
func call(t *testing.T, p protocol.CallAPIParams, handler http.HandlerFunc) (protocol.CallAPIResult, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	return hostAt(server.URL).Call(t.Context(), p)
}

func sends(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// seen is a request as it arrived.
type seen struct {
	method, uri, body string
	header            http.Header
}

func see(t *testing.T, p protocol.CallAPIParams) seen {
	t.Helper()
	var got seen
	_, err := call(t, p, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, string(body), r.Header}
		sends(200, "{}", "Content-Type", "application/json")(w, r)
	})
	if err != nil {
		t.Errorf("%+v: %v", p, err)
	}
	return got
}

// Escapes are the caller's: a project's path is one segment.
func TestPathIsSentAsItIsWritten(t *testing.T) {
	for path, want := range map[string]string{
		"/user":                     "/api/v4/user",
		"user":                      "/api/v4/user",
		"/api/v4/user":              "/api/v4/user",
		"api/v4/user":               "/api/v4/user",
		"/user/":                    "/api/v4/user/",
		"/projects/a%2Fb/issues":    "/api/v4/projects/a%2Fb/issues",
		"/projects/a%2fb":           "/api/v4/projects/a%2fb",
		"/projects/a%2Fb%2Fc d":     "/api/v4/projects/a%2Fb%2Fc%20d",
		"/projects/a%2Fä":           "/api/v4/projects/a%2F%C3%A4",
		"/projects/a%2Fb/x\"<>^`{}": "/api/v4/projects/a%2Fb/x%22%3C%3E%5E%60%7B%7D",
		"/projects/a%2F\xff":        "/api/v4/projects/a%2F%FF",
		"/p/!$&'()*+,;=:@[]|~-._":   "/api/v4/p/!$&'()*+,;=:@[]%7C~-._",
		"/projects/1/..x/x../.../x": "/api/v4/projects/1/..x/x../.../x",
		"/files/100%25zz":           "/api/v4/files/100%25zz",
		"/files/%E2%82%AC/raw":      "/api/v4/files/%E2%82%AC/raw",
		"/user?a=b":                 "/api/v4/user?a=b",
		"/user?a=../..%2F&b=ü":      "/api/v4/user?a=..%2F..%2F&b=%C3%BC",
		"/a?b=c?d=e#f":              "/api/v4/a?b=c%3Fd%3De%23f",
	} {
		if got := see(t, protocol.CallAPIParams{Path: path}); got.uri != want {
			t.Errorf("%q: got %q, want %q", path, got.uri, want)
		}
	}
}

func TestPathLeavesTheAPI(t *testing.T) {
	for _, path := range []string{
		"", "/", "?a=b", "/api/v4", "/api/v4/", "api/v4?a=b", "..", "/.", "/../user", "/user/..", "/a/./b", "/%2e%2e/user", "/.%2E/user", "/%252e%252e/user",
		"/%25252e%25252e", "/%25zz/%252e%252e/user", "/..%2fuser", "/a%2F..%2Fb", "/a%252f..%252fb", "/..;/user", "/..;a=b/user", "/..%3B/user",
		`/..\user`, `\user`, "/..%5cuser", "/%255c..%255cuser", "//user", "/a//b", "/a%2f%2fb", "/%2fuser", "//example.com/user", "/api/v4//user",
		"/user#a", "/us\x00er", "/us\ner", "/us\x7fer", "/%zz", "/%", "/100%",
	} {
		_, err := call(t, protocol.CallAPIParams{Path: path}, func(http.ResponseWriter, *http.Request) {
			t.Errorf("%q: GitLab was asked", path)
		})
		wantCode(t, path, err, protocol.InvalidParams)
	}
}

func TestQuery(t *testing.T) {
	got := see(t, protocol.CallAPIParams{Path: "/projects?per_page=5&sort=asc", Query: map[string]protocol.QueryValue{
		"sort": {"desc"}, "iids[]": {"1", "2"}, "search": {"a b&c=d#"}, "none": {},
	}})
	if want := "/api/v4/projects?iids%5B%5D=1&iids%5B%5D=2&per_page=5&search=a+b%26c%3Dd%23&sort=desc"; got.uri != want {
		t.Errorf("got %q, want %q", got.uri, want)
	}
}

func TestMethodAndBody(t *testing.T) {
	object := json.RawMessage(`{"title":"a"}`)
	for _, c := range []struct {
		method string
		body   json.RawMessage
		want   seen
		typ    string
	}{
		{"", nil, seen{method: "GET"}, ""},
		{"get", nil, seen{method: "GET"}, ""},
		{"Head", nil, seen{method: "HEAD"}, ""},
		{"post", object, seen{method: "POST", body: string(object)}, "application/json"},
		{"PUT", json.RawMessage(`[1]`), seen{method: "PUT", body: "[1]"}, "application/json"},
		{"PATCH", object, seen{method: "PATCH", body: string(object)}, "application/json"},
		{"DELETE", json.RawMessage("null"), seen{method: "DELETE"}, ""},
	} {
		got := see(t, protocol.CallAPIParams{Method: c.method, Path: "/user", Body: c.body})
		if got.method != c.want.method || got.body != c.want.body || got.header.Get("Content-Type") != c.typ {
			t.Errorf("%q: got %s %q of type %q", c.method, got.method, got.body, got.header.Get("Content-Type"))
		}
		if got.header.Get("Accept") != "application/json" || got.header.Get("Authorization") != "Bearer "+secret {
			t.Errorf("%q: accepts %q, with %q", c.method, got.header.Get("Accept"), got.header.Get("Authorization"))
		}
	}
	for _, method := range []string{"OPTIONS", "TRACE", "CONNECT", "GE T", "GET\n"} {
		_, err := hostAt("http://127.0.0.1:1").Call(t.Context(), protocol.CallAPIParams{Method: method, Path: "/user"})
		wantCode(t, method, err, protocol.InvalidParams)
	}
}

func TestHeadersThatAreSent(t *testing.T) {
	got := see(t, protocol.CallAPIParams{
		Path: "/user", Body: json.RawMessage("{}"),
		Headers: map[string]string{" accept ": "text/plain", "if-none-match": `"a"`, "X-Note": "tab\tand ü", "content-type": "text/plain"},
	})
	for name, want := range map[string]string{
		"Accept": "text/plain", "If-None-Match": `"a"`, "X-Note": "tab\tand ü", "Content-Type": "application/json",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.header.Get(name), want)
		}
	}
}

// GitLab's web server reads PRIVATE_TOKEN as PRIVATE-TOKEN.
func TestHeadersThatGitLabTakesForCredentials(t *testing.T) {
	for _, name := range []string{
		"PRIVATE-TOKEN", "private-token", "Private_Token", "private_token\t", "JOB-TOKEN", "Job_Token", "Deploy-Token", "Sudo", "SUDO",
		"X-CSRF-Token", "x_csrf_token", "X-Gitlab-Token", "Authorization", "Proxy-Authorization", "Cookie", "Host",
		"X-Gitlab-Static-Object-Token", "X-NuGet-ApiKey", "Gitlab-Shared-Secret", "gitlab_workhorse_api_request", "X-SSL-Client-Cert",
	} {
		_, err := hostAt("http://127.0.0.1:1").Call(t.Context(), protocol.CallAPIParams{Path: "/user", Headers: map[string]string{name: secret}})
		wantCode(t, name, err, protocol.InvalidParams)
		if err != nil && !strings.Contains(err.Error(), "credentials") {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// A proxy before GitLab, and Rails within it, believe these.
func TestHeadersOfProxiesAndConnections(t *testing.T) {
	for _, name := range []string{
		"X-Forwarded-For", "x_forwarded_host", "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "Client-IP", "True-Client-IP", "X-Original-URL", "X-Rewrite-URL",
		"X-HTTP-Method-Override", "Connection", "Proxy-Connection", "Keep-Alive", "TE", "Trailer", "Transfer_Encoding", "Content-Length", "Upgrade", "Expect",
	} {
		_, err := hostAt("http://127.0.0.1:1").Call(t.Context(), protocol.CallAPIParams{Path: "/user", Headers: map[string]string{name: "1"}})
		if e := wantCode(t, name, err, protocol.InvalidParams); e.Hint == "" {
			t.Errorf("%q: no hint", name)
		}
	}
}

// Which of the two would be sent is anybody's guess.
func TestHeaderInTwoSpellings(t *testing.T) {
	_, err := hostAt("http://127.0.0.1:1").Call(t.Context(), protocol.CallAPIParams{Path: "/user", Headers: map[string]string{"X-Note": "a", "x-note": "b"}})
	wantCode(t, "twice", err, protocol.InvalidParams)
}

// GitLab reads parameters from the body too, and an access_token there before the
// one in Authorization.
func TestBodyTakesNoCredentials(t *testing.T) {
	for _, body := range []string{`{"access_token":"x"}`, `{"title":"a","sudo":1}`, `{"Private_Token[]":["x"]}`, `{"job_token":null}`, `{"\u0073udo":1}`, `{"bearer_token":"x"}`} {
		_, err := hostAt("http://127.0.0.1:1").Call(t.Context(), protocol.CallAPIParams{Method: "POST", Path: "/user", Body: json.RawMessage(body)})
		wantCode(t, body, err, protocol.InvalidParams)
	}
	for _, body := range []string{`{"configuration":{"access_token":"x"},"token":"a trigger's"}`, `["sudo"]`, `"sudo"`, `1`} {
		if got := see(t, protocol.CallAPIParams{Method: "POST", Path: "/bulk_imports", Body: json.RawMessage(body)}); got.body != body {
			t.Errorf("%s was sent as %s", body, got.body)
		}
	}
}

// A query is logged on the way: a secret in it is a secret no more.
func TestQueryTakesNoCredentials(t *testing.T) {
	for _, name := range []string{"private_token", "PRIVATE_TOKEN", "access_token", "bearer_token", "job_token", "deploy_token", "sudo", "Sudo", "private_token[]", "[private_token]", "sudo[a]"} {
		for _, p := range []protocol.CallAPIParams{
			{Path: "/user?" + name + "=" + secret},
			{Path: "/user", Query: map[string]protocol.QueryValue{name: {secret}}},
		} {
			_, err := hostAt("http://127.0.0.1:1").Call(t.Context(), p)
			wantCode(t, name, err, protocol.InvalidParams)
		}
	}
}

// What cannot be read was once left out: the whole list came instead of a part.
func TestQueryThatCannotBeRead(t *testing.T) {
	for _, path := range []string{"/projects?a=1;b=2", "/projects?search=100%", "/projects?a=%zz"} {
		_, err := hostAt("http://127.0.0.1:1").Call(t.Context(), protocol.CallAPIParams{Path: path})
		wantCode(t, path, err, protocol.InvalidParams)
	}
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		server   http.HandlerFunc
		status   int
		body     string
		encoding string
	}{
		"object":                  {sends(200, `{"a":"<ü>"}`, "Content-Type", "application/json"), 200, `{"a":"<ü>"}`, ""},
		"created":                 {sends(201, `{"a":1}`, "Content-Type", "application/json; charset=utf-8"), 201, `{"a":1}`, ""},
		"scalar":                  {sends(202, ` 17 `, "Content-Type", "application/vnd.x+json"), 202, ` 17 `, ""},
		"JSON, odd parameter":     {sends(200, `{}`, "Content-Type", "application/json; charset"), 200, `{}`, ""},
		"JSON that is none":       {sends(200, `{"a":`, "Content-Type", "application/json"), 200, `"{\"a\":"`, ""},
		"JSON that is not UTF-8":  {sends(200, "\"\xff\"", "Content-Type", "application/json"), 200, `"Iv8i"`, "base64"},
		"empty":                   {sends(204, ""), 204, `null`, ""},
		"empty, with a type":      {sends(200, "", "Content-Type", "application/json"), 200, `null`, ""},
		"text":                    {sends(200, "a\n\"b\"", "Content-Type", "text/plain"), 200, `"a\n\"b\""`, ""},
		"HTML of a file":          {sends(200, "<p>", "Content-Type", "text/plain; charset=utf-8"), 200, `"\u003cp\u003e"`, ""},
		"JSON of a file":          {sends(200, "{}", "Content-Type", "text/plain"), 200, `"{}"`, ""},
		"binary":                  {sends(200, "\x89PNG\x00\xff", "Content-Type", "image/png"), 200, `"iVBORwD/"`, "base64"},
		"binary without a type":   {sends(200, "\xff\xfe", "Content-Type", ""), 200, `"//4="`, "base64"},
		"what is known unchanged": {sends(304, "", "Etag", `"a"`), 304, `null`, ""},
	} {
		got, err := call(t, protocol.CallAPIParams{Path: "/user"}, c.server)
		if err != nil || got.Status != c.status || string(got.Body) != c.body || got.BodyEncoding != c.encoding {
			t.Errorf("%s: got %d %s %q, %v", name, got.Status, got.Body, got.BodyEncoding, err)
		}
	}
}

func TestAnswerHeaders(t *testing.T) {
	got, err := call(t, protocol.CallAPIParams{Method: "HEAD", Path: "/user"},
		sends(200, "", "X-Total", "45", "Vary", "Accept", "Vary", "Origin", "Set-Cookie", "_gitlab_session="+secret))
	if err != nil || string(got.Body) != "null" {
		t.Fatalf("got %s, %v", got.Body, err)
	}
	if got.Headers["x-total"] != "45" || got.Headers["vary"] != "Accept, Origin" {
		t.Errorf("got %v", got.Headers)
	}
	if _, there := got.Headers["set-cookie"]; there {
		t.Error("a cookie goes on the wire")
	}
}

// Half a user is none.
func TestUserWithoutIDOrName(t *testing.T) {
	for _, body := range []string{`{"id":1,"name":"Sam"}`, `{"username":"sam"}`, `{"id":1,"username":""}`} {
		server := serve(t, map[string]http.HandlerFunc{"/api/v4/user": sends(200, body, "Content-Type", jsonType)})
		_, err := hostAt(server.URL).CurrentUser(t.Context())
		wantCode(t, body, err, protocol.NotGitLab)
	}
}

// The connection ends within an answer: half of one is none.
func TestAnswerCutOff(t *testing.T) {
	_, err := call(t, protocol.CallAPIParams{Path: "/user"}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"id":1}`)
	})
	wantCode(t, "cut off", err, protocol.HostUnreachable)
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	exact := `"` + strings.Repeat("a", providers.MaxBody-2) + `"`
	got, err := call(t, protocol.CallAPIParams{Path: "/user"}, sends(200, exact, "Content-Type", "application/json"))
	if err != nil || len(got.Body) != providers.MaxBody {
		t.Errorf("the largest answer: %d bytes, %v", len(got.Body), err)
	}
	_, err = call(t, protocol.CallAPIParams{Path: "/user"}, sends(200, exact+" ", "Content-Type", "application/json"))
	wantCode(t, "one byte more", err, protocol.GitLabError)
}

func TestCallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hostAt("http://127.0.0.1:1").Call(ctx, protocol.CallAPIParams{Path: "/user"}); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}
