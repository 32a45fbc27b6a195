package gitlabsm_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// currentUser is the user of an answer to GET /user.
func currentUser(t *testing.T, answer any) (protocol.User, error) {
	t.Helper()
	body, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return hostAt(serveOne(t, "/api/v4/user", string(body))).CurrentUser(t.Context())
}

// serveOne starts a server that answers one path with JSON.
func serveOne(t *testing.T, path, body string) string {
	t.Helper()
	return serve(t, map[string]http.HandlerFunc{path: sends(200, body, "Content-Type", jsonType)}).URL
}

// A user name ends up in git's line protocol and in front of people, so it has to
// be one that GitLab lets a user have.
func TestUserNamesThatGitLabHasNot(t *testing.T) {
	for _, name := range []string{
		"x\nhost=github.com\nprotocol=https", "sam\r", "sam\x00", "sam\x1b]0;owned\a\x1b[2J", "sam\u202e", "sam\u009b2J",
		"sam smith", "sam@example.com", "sam:secret", "s/am", `"sam"`, "säm", strings.Repeat("a", 256),
	} {
		_, err := currentUser(t, map[string]any{"id": 1, "username": name})
		e := wantCode(t, name, err, protocol.NotGitLab)
		if e == nil || !isPlain(e.Message) || strings.Contains(e.Message, name) {
			t.Errorf("%q: the message is %q", name, e.Message)
		}
	}
	for _, name := range []string{"sam", "Sam.Smith-2_", "_", "0", "project_7_bot_a1b2", strings.Repeat("a", 255)} {
		if user, err := currentUser(t, map[string]any{"id": 1, "username": name}); err != nil || user.Username != name {
			t.Errorf("%q: got %q, %v", name, user.Username, err)
		}
	}
}

// What else a user says of themselves may be anything; it is made fit to be shown.
func TestWordsOfAUserAreCutAndCleaned(t *testing.T) {
	user, err := currentUser(t, map[string]any{
		"id": 1, "username": "sam", "name": "Sam\x1b[2J\nSmith", "email": "sam\r\n@example.com",
		"avatar_url": "javascript:alert(1)", "web_url": "https://gitlab.example.com/sam\x1b[2J",
	})
	if want := (protocol.User{ID: 1, Username: "sam", Name: "Sam [2J Smith", Email: "sam  @example.com"}); err != nil || user != want {
		t.Errorf("got %+v, %v", user, err)
	}
	long := strings.Repeat("ü", 5000)
	user, err = currentUser(t, map[string]any{"id": 1, "username": "sam", "name": long, "email": long, "web_url": "https://x/" + long, "avatar_url": "https://x/" + long})
	if err != nil || len(user.Name) > 1100 || len(user.Email) > 300 || user.WebURL+user.AvatarURL != "" {
		t.Errorf("a name of %d bytes, an address of %d, %v", len(user.Name), len(user.Email), err)
	}
	honest := map[string]any{
		"id": 1, "username": "sam", "name": "Sam Müller 🎉", "email": "sam@example.com",
		"avatar_url": "https://secure.gravatar.com/avatar/1?s=80&d=identicon", "web_url": "http://[::1]:8080/gitlab/sam",
	}
	user, err = currentUser(t, honest)
	want := protocol.User{ID: 1, Username: "sam", Name: "Sam Müller 🎉", Email: "sam@example.com",
		AvatarURL: "https://secure.gravatar.com/avatar/1?s=80&d=identicon", WebURL: "http://[::1]:8080/gitlab/sam"}
	if err != nil || user != want {
		t.Errorf("got %+v, %v", user, err)
	}
}

func TestVersionIsCutAndCleaned(t *testing.T) {
	for told, want := range map[string]string{
		`17.11.0-ee`:              "17.11.0-ee",
		`17\u001b[2J`:             "17 [2J",
		strings.Repeat("1", 5000): strings.Repeat("1", 64) + "…",
		`1\n\u202e.\u0000`:        "1  . ",
	} {
		url := serveOne(t, "/api/v4/version", `{"version":"`+told+`"}`)
		if got, err := hostAt(url).Version(t.Context()); err != nil || got != want {
			t.Errorf("%s: got %q, %v", told, got, err)
		}
	}
}

// A token's scopes are words of a message too.
func TestScopesOfATokenAreScopes(t *testing.T) {
	url := serveOne(t, "/api/v4/personal_access_tokens/self", `{"active":true,"scopes":["api","\u001b[2J","","read api","k8s_proxy"]}`)
	token, err := hostAt(url).PersonalToken(t.Context())
	if want := []string{"api", "k8s_proxy"}; err != nil || !slices.Equal(token.Scopes, want) {
		t.Errorf("got %q, %v; want %q", token.Scopes, err, want)
	}
}
