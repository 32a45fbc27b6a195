package auth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// maxToken is the length in bytes of the longest token that is taken. GitLab's
	// have 64 characters, or some hundreds where they are JSON Web Tokens; web
	// servers take 8 KiB for a line of the header (nginx,
	// large_client_header_buffers).
	maxToken = 4 << 10

	// maxLife is the longest life of a token that is believed. A longer one is a
	// mistake, and would overflow where it is counted.
	maxLife = 10 * 365 * 24 * time.Hour
)

// errInvalidGrant is OAuth's word for a code or refresh token that is not, or no
// longer, good (RFC 6749 section 5.2). Callers say what it means to the user.
var errInvalidGrant = errors.New("auth: invalid_grant")

// errInvalidRequest is OAuth's word for a request with a parameter that the server
// does not take (RFC 6749 section 5.2).
var errInvalidRequest = errors.New("auth: invalid_request")

// errNoGrant says that an answer issues no tokens that could be used.
var errNoGrant = errors.New("auth: not the answer of a token endpoint")

// grant is what the token endpoint issues.
type grant struct {
	access, refresh secret.Text // refresh: empty where there is none
	tokenType       string
	scopes          []string
	issued, expires time.Time // expires: zero where it does not, or is not told
}

// readGrant reads the answer of a token endpoint that issues tokens (RFC 6749
// section 5.1). asked are the scopes that count where the answer has none. It
// returns errNoGrant for any other answer, and then a grant with the access token
// alone, if there is one.
//
// It is strict about the tokens, and lenient about what can do no harm: a refresh
// whose answer is turned down has lost the sign-in.
func readGrant(body []byte, issued time.Time, asked []string) (grant, error) {
	fields, err := members(body)
	if err != nil {
		return grant{}, err
	}
	access, accessErr := text(fields["access_token"])
	refresh, refreshErr := text(fields["refresh_token"])
	tokenType, typeErr := text(fields["token_type"])
	scope, scopeErr := text(fields["scope"])
	if accessErr != nil || !isToken(access) {
		return grant{}, errNoGrant
	}
	g := grant{access: secret.New(access)}
	switch {
	case refreshErr != nil, refresh != "" && !isToken(refresh),
		typeErr != nil, !strings.EqualFold(tokenType, "bearer"),
		scopeErr != nil, !isScope(scope):
		return g, errNoGrant
	}
	g.refresh, g.tokenType, g.issued = secret.New(refresh), "Bearer", issued
	if life := readLife(fields["expires_in"]); life > 0 { // counted from before the request, so rather too short
		g.expires = issued.Add(life)
	}
	if g.scopes = strings.Fields(scope); isAbsent(fields["scope"]) {
		g.scopes = asked
	}
	return g, nil
}

// byteOrderMark may be ignored before JSON (RFC 8259 section 8.1).
var byteOrderMark = []byte("\xef\xbb\xbf")

// members returns the members of a JSON object. One that is there twice makes it
// none: OAuth has each parameter once (RFC 6749 section 3.2).
func members(body []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, byteOrderMark)))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errNoGrant
	}
	all := make(map[string]json.RawMessage)
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		var value json.RawMessage
		if err != nil || !isName || decoder.Decode(&value) != nil {
			return nil, errNoGrant
		}
		if _, twice := all[name]; twice {
			return nil, errNoGrant
		}
		all[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNoGrant
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoGrant
	}
	return all, nil
}

func isAbsent(value json.RawMessage) bool { return value == nil || string(value) == "null" }

// text returns a member that is a string, or absent.
func text(value json.RawMessage) (s string, err error) {
	if !isAbsent(value) {
		err = json.Unmarshal(value, &s)
	}
	return s, err
}

// isToken reports whether s has only the characters of a token (RFC 6749
// appendix A.12, without the space), so that it can stand in a header.
func isToken(s string) bool {
	return s != "" && len(s) <= maxToken && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// isScope reports whether s has only the characters of a list of scopes (RFC 6749
// section 3.3).
func isScope(s string) bool {
	return len(s) <= maxToken && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// readLife reads how long a token lives, in seconds: a number, or a string that is
// one, as some servers write. A life that makes no sense, or has ended before it
// began, is as one that is not told, 0: the token is used until GitLab refuses it.
func readLife(value json.RawMessage) time.Duration {
	seconds, _ := strconv.ParseFloat(strings.Trim(string(value), `"`), 64) // 0 for what is none, infinite for what is too large
	if !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, maxLife.Seconds()) * float64(time.Second))
}

// refusal translates an answer that issues no tokens. It is unanswered where it
// does not come from GitLab, but from a gateway before it that does not know what
// GitLab did (RFC 9110 sections 15.6.3 and 15.6.5), or where it means nothing.
func (a *application) refusal(r answer) error {
	if e := providers.ServerError(a.instance, r.status, r.header, r.body); e != nil {
		if r.status < 300 || r.status == http.StatusBadGateway || r.status == http.StatusGatewayTimeout {
			return unanswered{e}
		}
		return e
	}
	fields, _ := members(r.body) // none: as if it gave no reason
	code, _ := text(fields["error"])
	description, _ := text(fields["error_description"])
	switch code {
	case "invalid_grant":
		return errInvalidGrant
	case "invalid_client", "unauthorized_client":
		return invalidClient(a.instance, "GitLab does not accept the application ID with its secret")
	case "invalid_scope":
		return invalidScope(a.instance, a.config.Scopes)
	}
	e := &protocol.Error{
		Code:     protocol.GitLabError,
		Message:  "GitLab refuses to issue a token: " + cmp.Or(oauthError(a.hide(code), a.hide(description)), providers.StatusText(r.status)),
		Hint:     "Show this to the administrator of the GitLab instance.",
		Instance: a.instance,
		Status:   r.status,
		Err:      deviceErrors[code],
	}
	if code == "invalid_request" {
		e.Err = errInvalidRequest
	}
	return e
}

// notAnAnswer is the error for an endpoint that answers what it should not.
func (a *application) notAnAnswer(endpoint string) error {
	return &protocol.Error{
		Code:     protocol.NotGitLab,
		Message:  "the answer of " + endpoint + " is not what GitLab answers",
		Hint:     "A proxy or a sign-in page of your network may be in the way: open the instance in the browser.",
		Instance: a.instance,
	}
}

func invalidClient(instance, problem string) error {
	return &protocol.Error{
		Code:     protocol.InvalidClient,
		Message:  problem,
		Hint:     "Ask the administrator for the application ID and the secret of the OAuth application (Admin > Applications); the secret may have been renewed. Then configure the instance again.",
		Instance: instance,
	}
}

func invalidScope(instance string, scopes []string) error {
	return &protocol.Error{
		Code:     protocol.InvalidScope,
		Message:  "the application does not have the " + ScopeWords(scopes),
		Hint:     "Ask the administrator to tick them in the application's form (Admin > Applications), or configure the instance with the scopes that it has.",
		Instance: instance,
		Details:  &protocol.ErrorDetails{Scopes: scopes},
	}
}

// maxDescription bounds how much of GitLab's own words goes into an error.
const maxDescription = 300

// oauthError joins OAuth's error code and description, which are GitLab's own
// words. The token endpoint is sent secrets, and so its words are searched first.
func oauthError(code, description string) string {
	if description == "" {
		return providers.Shorten(code, maxDescription)
	}
	return providers.Shorten(description, maxDescription) + " (" + providers.Shorten(code, maxDescription) + ")"
}
