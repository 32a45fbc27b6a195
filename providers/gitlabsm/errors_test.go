package gitlabsm_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// wantCode asserts an error's code, and that it holds no secret.
func wantCode(t *testing.T, name string, err error, code protocol.Code) *protocol.Error {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%q: got %v, want %s", name, err, code)
		return &protocol.Error{}
	}
	if strings.Contains(err.Error()+e.Hint, secret) {
		t.Errorf("%q: the error holds a secret", name)
	}
	return e
}

func TestErrorBodies(t *testing.T) {
	long := strings.Repeat("ü", 400)
	for name, c := range map[string]struct {
		status  int
		body    string
		code    protocol.Code
		message string
	}{
		"message":             {400, `{"message":"400 Bad request - no"}`, protocol.GitLabError, "GitLab says: 400 Bad request - no"},
		"message by field":    {422, `{"message":{"title":["is blank","is short"]}}`, protocol.GitLabError, `GitLab says: {"title":["is blank","is short"]}`},
		"message as a list":   {409, `{"message":["a","b"]}`, protocol.GitLabError, `GitLab says: ["a","b"]`},
		"empty message":       {409, `{"message":"","error":"taken"}`, protocol.GitLabError, "GitLab says: taken"},
		"no message":          {409, `{"message":null}`, protocol.GitLabError, "GitLab answered 409 Conflict"},
		"error":               {400, `{"error":"title is missing"}`, protocol.GitLabError, "GitLab says: title is missing"},
		"error by field":      {400, `{"error":{"title":["is missing"]}}`, protocol.GitLabError, `GitLab says: {"title":["is missing"]}`},
		"error as a list":     {400, `{"error":["x"],"message":"m"}`, protocol.GitLabError, "GitLab says: m"},
		"description":         {401, `{"error":"invalid_token","error_description":"Token was revoked."}`, protocol.GitLabError, "GitLab says: Token was revoked."},
		"OAuth error alone":   {401, `{"error":"invalid_token"}`, protocol.GitLabError, "GitLab says: invalid_token"},
		"odd types":           {400, `{"message":17,"error":true,"error_description":{},"scope":[]}`, protocol.GitLabError, "GitLab says: 17"},
		"a list":              {400, `["x"]`, protocol.GitLabError, "GitLab answered 400 Bad Request"},
		"nothing":             {418, ``, protocol.GitLabError, "GitLab answered 418 I'm a teapot"},
		"no JSON after all":   {499, `<html>`, protocol.GitLabError, "GitLab answered 499"},
		"too long":            {400, `{"message":"` + long + `"}`, protocol.GitLabError, "GitLab says: " + long[:500] + "…"},
		"too long, odd":       {400, `{"message":"x` + long + `"}`, protocol.GitLabError, "GitLab says: x" + long[:498] + "…"},
		"not found":           {404, `{"message":"404 Project Not Found"}`, protocol.NotFound, "GitLab says: 404 Project Not Found"},
		"no route":            {404, `{}`, protocol.NotFound, "GitLab does not have this"},
		"forbidden":           {403, `{"message":"403 Forbidden - Your account has been blocked."}`, protocol.Forbidden, "GitLab says: 403 Forbidden - Your account has been blocked."},
		"forbidden, unsaid":   {403, `{}`, protocol.Forbidden, "GitLab refuses this"},
		"scope":               {403, `{"error":"insufficient_scope","error_description":"x","scope":"api read_api"}`, protocol.InsufficientScope, "the token lacks a scope; one of these would do: api, read_api"},
		"scope, not said":     {403, `{"error":"insufficient_scope"}`, protocol.InsufficientScope, "the token lacks a scope"},
		"colours":             {400, `{"message":"\u001b[31mred\r\n\u202eevil"}`, protocol.GitLabError, "GitLab says:  [31mred   evil"},
		"not UTF-8":           {400, "{\"message\":[\"\xff\x7f\"]}", protocol.GitLabError, "GitLab says: [\"\ufffd \"]"},
		"scopes, not all":     {403, `{"error":"insufficient_scope","scope":"api \u001b[31m x\"y ` + strings.Repeat("a", 600) + `"}`, protocol.InsufficientScope, "the token lacks a scope; one of these would do: api, [31m"},
		"server error":        {500, `{"message":"500 Internal Server Error"}`, protocol.GitLabError, "GitLab answered 500 Internal Server Error"},
		"server error, other": {599, `{}`, protocol.GitLabError, "GitLab answered 599"},
	} {
		_, err := call(t, protocol.CallAPIParams{Path: "/user"}, sends(c.status, c.body, "Content-Type", "application/json"))
		if e := wantCode(t, name, err, c.code); e.Message != c.message || e.Status != c.status || e.Hint == "" {
			t.Errorf("%s: got %d %q, hint %q", name, e.Status, e.Message, e.Hint)
		}
	}
}

// The place of a redirect is a stranger's word too.
func TestRedirectToAHostThatCannotBeShown(t *testing.T) {
	for where, shown := range map[string]string{
		"https://a%c2%9bb.example/x":                "to a b.example,",
		"https://" + strings.Repeat("a", 300) + "/": "to " + strings.Repeat("a", 255) + "…,",
	} {
		_, err := call(t, protocol.CallAPIParams{Path: "/user"}, sends(302, "", "Location", where, "X-Request-Id", "1"))
		if e := wantCode(t, where, err, protocol.GitLabError); !strings.Contains(e.Message, shown) {
			t.Errorf("%s: %q", where, e.Message)
		}
	}
}

func TestScopesOfAnError(t *testing.T) {
	_, err := call(t, protocol.CallAPIParams{Path: "/user"},
		sends(403, `{"error":"insufficient_scope","scope":"api read_api"}`, "Content-Type", "application/json"))
	e := wantCode(t, "scope", err, protocol.InsufficientScope)
	if e.Details == nil || !slices.Equal(e.Details.Scopes, []string{"api", "read_api"}) {
		t.Errorf("got %+v", e.Details)
	}
}

func TestAnswersThatAreNoAPI(t *testing.T) {
	const html = "text/html; charset=utf-8"
	for name, c := range map[string]struct {
		server http.HandlerFunc
		status int
		what   string
	}{
		"sign-in page":           {sends(200, "<!DOCTYPE html>", "Content-Type", html), 200, "a web page"},
		"page, odd parameter":    {sends(200, "<html>", "Content-Type", "text/html; charset"), 200, "a web page"},
		"page of a proxy":        {sends(403, "<html>", "Content-Type", html), 403, "a web page"},
		"text of a proxy":        {sends(404, "no", "Content-Type", "text/plain"), 404, "something other than JSON"},
		"redirect to sign in":    {sends(302, "", "Location", "https://other.invalid/users/sign_in?x=y"), 302, "a redirect to other.invalid came back"},
		"redirect within":        {sends(303, "", "Location", "/login", "Content-Type", "text/html"), 303, "a redirect to another place"},
		"redirect without place": {sends(302, "", "Content-Type", "application/json"), 302, "JSON of another program"},
		"unasked 300":            {sends(300, "x", "Content-Type", "text/plain"), 300, "something other than JSON"},
	} {
		_, err := call(t, protocol.CallAPIParams{Path: "/user"}, c.server)
		if e := wantCode(t, name, err, protocol.NotGitLab); e.Status != c.status || !strings.Contains(e.Message, c.what) {
			t.Errorf("%s: got %d %q", name, e.Status, e.Message)
		}
	}
}

// GitLab sends whoever it does not know to its sign-in page, which is a success
// by its status.
func TestRedirectToTheSignInPage(t *testing.T) {
	for _, kind := range []string{"text/html", "application/json", "text/plain"} {
		_, err := call(t, protocol.CallAPIParams{Path: "/user"}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/users/sign_in" {
				http.Redirect(w, r, "/users/sign_in", http.StatusFound)
				return
			}
			sends(200, "{}", "Content-Type", kind)(w, r)
		})
		wantCode(t, kind, err, protocol.NotGitLab)
	}
}

func TestRequestIDIsInTheHint(t *testing.T) {
	for id, want := range map[string]bool{"01ABCDEF": true, strings.Repeat("x", 64): true, strings.Repeat("y", 65): false} {
		_, err := call(t, protocol.CallAPIParams{Path: "/user"}, sends(502, "<html>", "Content-Type", "text/html", "X-Request-Id", id))
		if e := wantCode(t, id, err, protocol.GitLabError); strings.Contains(e.Hint, id) != want || e.Status != 502 {
			t.Errorf("%s: got %d, hint %q", id, e.Status, e.Hint)
		}
	}
}

// Files are stored elsewhere, under addresses that are keys to them.
func TestRedirectToAStoreNamesItsHostAlone(t *testing.T) {
	_, err := call(t, protocol.CallAPIParams{Path: "/jobs/1/artifacts"},
		sends(302, "", "Location", "https://sam:"+secret+"@store.invalid:9000/bucket/"+secret+"?X-Amz-Signature="+secret, "X-Request-Id", "1"))
	e := wantCode(t, "store", err, protocol.GitLabError)
	if !strings.Contains(e.Message, " store.invalid:9000,") || e.Status != 302 || e.Hint == "" {
		t.Errorf("got %d %q, hint %q", e.Status, e.Message, e.Hint)
	}
}

// A redirect without a mark of GitLab's comes from what stands before it.
func TestRedirectOfAStrangerIsASignInPage(t *testing.T) {
	_, err := call(t, protocol.CallAPIParams{Path: "/user"},
		sends(302, "", "Location", "https://sso.invalid/login?SAMLRequest="+secret))
	e := wantCode(t, "sso", err, protocol.NotGitLab)
	if e.Details == nil || e.Details.Cause != "signInPage" || !strings.Contains(e.Message, "a redirect to sso.invalid came back") || e.Status != 302 {
		t.Errorf("got %d %q, %+v", e.Status, e.Message, e.Details)
	}
}

// Neither the access token nor a body follows a redirect to another origin:
// another host, another port, another scheme.
func TestRedirectToAnotherOriginCarriesNothing(t *testing.T) {
	var reached atomic.Int32
	stranger := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		sends(200, "{}", "Content-Type", "application/json")(w, r)
	})
	plain := httptest.NewServer(stranger)
	defer plain.Close()
	secure := httptest.NewTLSServer(stranger)
	defer secure.Close()
	for _, target := range []string{plain.URL + "/api/v4/user", secure.URL, strings.Replace(plain.URL, "127.0.0.1", "localhost", 1), "//" + plain.URL[7:]} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, method := range []string{"GET", "POST"} {
				p := protocol.CallAPIParams{Method: method, Path: "/user"}
				_, err := call(t, p, sends(status, "", "Location", target, "X-Runtime", "0.01"))
				wantCode(t, target, err, protocol.GitLabError)
			}
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached another origin", n)
	}
}

func TestRedirectWithinTheOriginIsFollowed(t *testing.T) {
	got, err := call(t, protocol.CallAPIParams{Path: "/projects/1"}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v4/projects/1" {
			http.Redirect(w, r, "/api/v4/projects/2", http.StatusMovedPermanently)
			return
		}
		sends(200, `"`+r.Header.Get("Authorization")+`"`, "Content-Type", "application/json")(w, r)
	})
	if err != nil || string(got.Body) != `"Bearer `+secret+`"` {
		t.Errorf("got %s, %v", got.Body, err)
	}
}

// A redirect makes a GET of a POST: its success would hide that nothing was made.
func TestRedirectDoesNotTurnAPostIntoAGet(t *testing.T) {
	for status, followed := range map[int]bool{301: false, 302: false, 303: false, 307: true, 308: true} {
		var posts atomic.Int32
		p := protocol.CallAPIParams{Method: "POST", Path: "/projects/1/issues", Body: []byte(`{"title":"a"}`)}
		_, err := call(t, p, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !strings.HasSuffix(r.URL.Path, "/"):
				http.Redirect(w, r, r.URL.Path+"/", status)
			case r.Method == "POST" && r.ContentLength == int64(len(p.Body)):
				posts.Add(1)
				sends(201, "{}", "Content-Type", "application/json")(w, r)
			default:
				sends(200, "[]", "Content-Type", "application/json")(w, r)
			}
		})
		if !followed {
			wantCode(t, http.StatusText(status), err, protocol.NotGitLab)
		} else if err != nil || posts.Load() != 1 {
			t.Errorf("%d: %d posts, %v", status, posts.Load(), err)
		}
	}
}
