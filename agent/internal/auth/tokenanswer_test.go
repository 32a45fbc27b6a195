package auth_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// fields of an answer that is right, but for the two that a test writes.
const rightAnswer = `"access_token":"glfake-access","token_type":"Bearer","refresh_token":"glfake-refresh"`

// A refresh goes by what no token can be used without. The rest, if it makes no
// sense, counts as not told: who turns the answer down has lost the sign-in.
func TestAnswersThatAreTokens(t *testing.T) {
	const never = time.Duration(0)
	long := 10 * 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		body string
		life time.Duration
	}{
		"the usual":                    {`{` + rightAnswer + `,"expires_in":7200,"scope":"api","created_at":1}`, lifetime},
		"bearer in any case":           {`{"access_token":"glfake-access","token_type":"bEARER","refresh_token":"glfake-refresh","expires_in":7200}`, lifetime},
		"no expires_in":                {`{` + rightAnswer + `}`, never},
		"expires_in null":              {`{` + rightAnswer + `,"expires_in":null}`, never},
		"expires_in 0":                 {`{` + rightAnswer + `,"expires_in":0}`, never},
		"expires_in negative":          {`{` + rightAnswer + `,"expires_in":-7200}`, never},
		"expires_in of minus 2^32":     {`{` + rightAnswer + `,"expires_in":-4294960096}`, never},
		"expires_in a string":          {`{` + rightAnswer + `,"expires_in":"7200"}`, lifetime},
		"expires_in a float":           {`{` + rightAnswer + `,"expires_in":7200.0}`, lifetime},
		"expires_in with an exponent":  {`{` + rightAnswer + `,"expires_in":72e2}`, lifetime},
		"expires_in nonsense":          {`{` + rightAnswer + `,"expires_in":"soon"}`, never},
		"expires_in true":              {`{` + rightAnswer + `,"expires_in":true}`, never},
		"expires_in an object":         {`{` + rightAnswer + `,"expires_in":{"s":7200}}`, never},
		"expires_in not a number":      {`{` + rightAnswer + `,"expires_in":"NaN"}`, never},
		"expires_in over 32 bits":      {`{` + rightAnswer + `,"expires_in":4294967296}`, long},
		"expires_in over 64 bits":      {`{` + rightAnswer + `,"expires_in":9223372036854775808}`, long},
		"expires_in over everything":   {`{` + rightAnswer + `,"expires_in":1e999}`, long},
		"expires_in over nanoseconds":  {`{` + rightAnswer + `,"expires_in":9300000000}`, long},
		"scope null":                   {`{` + rightAnswer + `,"expires_in":7200,"scope":null}`, lifetime},
		"a byte order mark":            {"\xef\xbb\xbf{" + rightAnswer + `,"expires_in":7200}`, lifetime},
		"white space":                  {"\r\n {" + rightAnswer + ",\"expires_in\":7200} \n", lifetime},
		"the same refresh token again": {`{"access_token":"glfake-access","token_type":"Bearer","expires_in":7200,"refresh_token":"OLD"}`, lifetime},
		"no refresh token":             {`{"access_token":"glfake-access","token_type":"Bearer","expires_in":7200}`, lifetime},
		"refresh token null":           {`{"access_token":"glfake-access","token_type":"Bearer","expires_in":7200,"refresh_token":null}`, lifetime},
		"more than is needed": {`{"token_type":"Bearer","expires_in":7200,"access_token":"glfake-access","refresh_token":"glfake-refresh"` +
			`,"id_token":"` + strings.Repeat("a", 1<<16) + `"}`, lifetime},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			before := w.signedIn(2*lifetime, true)
			body := strings.Replace(c.body, "OLD", before.Refresh.Reveal(), 1)
			w.SetFault(providertest.EndpointToken, providertest.Fault{Status: 200, Body: body, ContentType: "application/json; charset=utf-8"})
			now := time.Now()
			m := w.manager(nil)
			access, err := m.Token(t.Context(), w.key(), 0)
			if err != nil {
				t.Fatal(err)
			}
			account, tokens, err := w.saved()
			if err != nil || tokens.Access.Reveal() != "glfake-access" || access.Token != tokens.Access || account.TokenType != "Bearer" {
				t.Errorf("saved is %+v, %v", account, err)
			}
			want := "glfake-refresh"
			if !strings.Contains(body, want) {
				want = before.Refresh.Reveal()
			}
			if tokens.Refresh.Reveal() != want {
				t.Error("the refresh token is another")
			}
			if c.life == never != account.ExpiresAt.IsZero() {
				t.Errorf("it lives until %v, want %v", account.ExpiresAt, c.life)
			}
			if d := account.ExpiresAt.Sub(now) - c.life; c.life != never && (d < -time.Minute || d > time.Minute) {
				t.Errorf("it lives until %v, want %v", account.ExpiresAt, c.life)
			}
			if !slices.Equal(account.Scopes, []string{"api"}) {
				t.Errorf("the scopes are %q, want those that were asked for", account.Scopes)
			}
		})
	}
}

// What is no answer is an error; nothing is stored, and a sign-in gives back the
// token that it got and cannot use.
func TestAnswersThatAreNone(t *testing.T) {
	big := strings.Repeat("a", 4097)
	for name, c := range map[string]struct {
		body    string
		revoked int // whether there was a token to give back
	}{
		"empty":                        {" ", 0},
		"not an object":                {`["glfake-access"]`, 0},
		"nothing in it":                {`{}`, 0},
		"truncated":                    {`{` + rightAnswer, 0},
		"more after it":                {`{` + rightAnswer + `}{}`, 0},
		"a form":                       {"access_token=glfake-access&token_type=bearer", 0},
		"a page":                       {"<html>" + rightAnswer, 0},
		"an error after all":           {`{"error":"invalid_grant"}`, 0},
		"too large":                    {`{` + rightAnswer + `,"id_token":"` + strings.Repeat("a", 1<<20) + `"}`, 0},
		"no access token":              {`{"token_type":"Bearer","refresh_token":"glfake-refresh"}`, 0},
		"an empty access token":        {`{"access_token":"","token_type":"Bearer"}`, 0},
		"access token null":            {`{"access_token":null,"token_type":"Bearer"}`, 0},
		"access token a number":        {`{"access_token":12345678,"token_type":"Bearer"}`, 0},
		"access token a list":          {`{"access_token":["glfake-access"],"token_type":"Bearer"}`, 0},
		"a line break in it":           {`{"access_token":"glfake\r\nX: y","token_type":"Bearer"}`, 0},
		"a space in it":                {`{"access_token":"glfake access","token_type":"Bearer"}`, 0},
		"a letter beyond ASCII in it":  {`{"access_token":"glfake-ä","token_type":"Bearer"}`, 0},
		"an access token without end":  {`{"access_token":"` + big + `","token_type":"Bearer"}`, 0},
		"the names in capitals":        {`{"ACCESS_TOKEN":"glfake-access","TOKEN_TYPE":"Bearer"}`, 0},
		"two access tokens":            {`{` + rightAnswer + `,"access_token":"glfake-other"}`, 0},
		"two refresh tokens":           {`{` + rightAnswer + `,"refresh_token":"glfake-other"}`, 0},
		"no token type":                {`{"access_token":"glfake-access"}`, 1},
		"another token type":           {`{"access_token":"glfake-access","token_type":"mac"}`, 1},
		"token type a number":          {`{"access_token":"glfake-access","token_type":1}`, 1},
		"refresh token a number":       {`{"access_token":"glfake-access","token_type":"Bearer","refresh_token":1}`, 1},
		"a space in the refresh token": {`{"access_token":"glfake-access","token_type":"Bearer","refresh_token":"a b"}`, 1},
		"a refresh token without end":  {`{"access_token":"glfake-access","token_type":"Bearer","refresh_token":"` + big + `"}`, 1},
		"scope a list":                 {`{` + rightAnswer + `,"scope":["api"]}`, 1},
		"a line break in the scope":    {`{` + rightAnswer + `,"scope":"api\nadmin"}`, 1},
		"quotes in the scope":          {`{` + rightAnswer + `,"scope":"\"api\""}`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			fault := providertest.Fault{Status: 200, Body: c.body, ContentType: "application/json"}
			w := newWorld(t, settings{})
			w.SetFault(providertest.EndpointToken, fault)
			if err := w.approve(w.begin(t.Context(), w.manager(nil))); !errors.Is(err, protocol.NotGitLab) {
				t.Errorf("the sign-in: %v, want NotGitLab", err)
			}
			if _, _, err := w.saved(); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("an account was saved: %v", err)
			}
			if got := w.Count(http.MethodPost, "/oauth/revoke"); got != c.revoked {
				t.Errorf("%d tokens were given back, want %d", got, c.revoked)
			}
			before := w.signedIn(2*lifetime, true)
			if err := w.currentUser(t.Context(), w.manager(nil)); !errors.Is(err, protocol.NotGitLab) {
				t.Errorf("the refresh: %v, want NotGitLab", err)
			}
			if account, tokens, err := w.saved(); err != nil || tokens != before || account.Serial != 1 || account.Refused != "" {
				t.Errorf("the account has changed: %+v, %v", account, err)
			}
		})
	}
}

// Only GitLab's own word signs somebody out.
func TestWordsThatSignNobodyOut(t *testing.T) {
	const word = `{"error":"invalid_grant"}`
	for name, fault := range map[string]providertest.Fault{
		"with a success":         {Status: 200, Body: word},
		"with a server error":    {Status: 500, Body: word},
		"with a rate limit":      {Status: 429, Body: word},
		"with a redirect":        {Status: 302, Body: word},
		"as a web page":          {Status: 400, Body: word, ContentType: "text/html"},
		"as plain text":          {Status: 400, Body: "error=invalid_grant", ContentType: "text/plain"},
		"as a form":              {Status: 400, Body: "error=invalid_grant", ContentType: "application/x-www-form-urlencoded"},
		"twice":                  {Status: 400, Body: `{"error":"invalid_request","error":"invalid_grant"}`},
		"in capitals":            {Status: 400, Body: `{"ERROR":"invalid_grant"}`},
		"with something after":   {Status: 400, Body: word + "x"},
		"as one among others":    {Status: 400, Body: `{"error":["invalid_grant"]}`},
		"in the description":     {Status: 400, Body: `{"error":"x","error_description":"invalid_grant"}`},
		"without a word at all":  {Status: 400, Body: `{}`},
		"with the wrong bracket": {Status: 400, Body: `[` + word + `]`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			before := w.signedIn(2*lifetime, true)
			w.SetFault(providertest.EndpointToken, fault)
			m := w.manager(nil)
			err := w.currentUser(t.Context(), m)
			var known *protocol.Error
			if !errors.As(err, &known) || known.Code == protocol.SignInRequired || known.Hint == "" || strings.HasSuffix(known.Message, ": ") {
				t.Errorf("the error is %v, want one with a hint that asks for no sign-in", err)
			}
			if account, tokens, err := w.saved(); err != nil || tokens != before || account.Refused != "" {
				t.Errorf("the account has changed: %+v, %v", account, err)
			}
			w.ClearFaults()
			if err := w.currentUser(t.Context(), m); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// A redirect would take the refresh token and the client's secret to whoever it
// names.
func TestTheTokenEndpointIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"/another-program", "/oauth/token/", "http://127.0.0.1:1/", "//127.0.0.1:1/"} {
			w := newWorld(t, settings{})
			w.signedIn(2*lifetime, true)
			w.through = onToken(func(base http.RoundTripper, r *http.Request) (*http.Response, error) {
				r.Body.Close()
				return &http.Response{StatusCode: status, Header: http.Header{"Location": {to}}, Body: http.NoBody, Request: r}, nil
			})
			if err := w.currentUser(t.Context(), w.manager(nil)); !errors.Is(err, protocol.NotGitLab) {
				t.Errorf("%d to %s: %v, want NotGitLab", status, to, err)
			}
			if n := len(w.Requests()); n != 0 {
				t.Errorf("%d to %s was followed: %d requests", status, to, n)
			}
		}
	}
}

func TestAScopeIsKeptAsTold(t *testing.T) {
	for scope, want := range map[string][]string{"api read_user": {"api", "read_user"}, " api  api ": {"api", "api"}, "": {}} {
		w := newWorld(t, settings{})
		w.signedIn(2*lifetime, true)
		w.SetFault(providertest.EndpointToken, providertest.Fault{Status: 200, Body: `{` + rightAnswer + `,"scope":"` + scope + `"}`})
		if _, err := w.manager(nil).Token(t.Context(), w.key(), 0); err != nil {
			t.Fatal(err)
		}
		if account, _, err := w.saved(); err != nil || !slices.Equal(account.Scopes, want) {
			t.Errorf("%q: the scopes are %q, %v", scope, account.Scopes, err)
		}
	}
}
