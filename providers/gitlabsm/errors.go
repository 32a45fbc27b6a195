package gitlabsm

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// maxReason bounds how much of GitLab's own words goes into an error.
	maxReason = 500
	// maxHost is how long a host name can be (RFC 1035 section 2.3.4).
	maxHost = 255
)

// responseError turns an answer that is not a success into the protocol's error.
// GitLab's own reason is kept; a web page's text is not
// (https://docs.gitlab.com/api/rest/troubleshooting/).
func responseError(instance string, status int, header http.Header, body []byte) error {
	if e := redirected(instance, status, header); e != nil {
		return e
	}
	if e := providers.ServerError(instance, status, header, body); e != nil {
		return e
	}
	e := &protocol.Error{Instance: instance, Status: status}
	failure := parseFailure(body)
	switch {
	case words(failure.Error) == "insufficient_scope":
		e.Code = protocol.InsufficientScope
		scopes := failure.scopes()
		e.Details = &protocol.ErrorDetails{Scopes: scopes}
		e.Message = "the token lacks a scope"
		if len(scopes) > 0 {
			e.Message += "; one of these would do: " + strings.Join(scopes, ", ")
		}
		e.Hint = "Add the scope to the application in GitLab and to the instance's scopes, then sign in again."
	case status == http.StatusUnauthorized:
		e.Code = protocol.GitLabError
		e.Message = failure.reason("GitLab answered " + providers.StatusText(status))
		e.Hint = "GitLab accepts the sign-in but not this call: the user may lack the permission, or it was done before."
	case status == http.StatusForbidden:
		e.Code = protocol.Forbidden
		e.Message = failure.reason("GitLab refuses this")
		e.Hint = "Sign in to GitLab in the browser: there may be terms to accept or an account to unblock. Else ask the project's or the instance's administrator for the permission."
	case status == http.StatusNotFound:
		e.Code = protocol.NotFound
		e.Message = failure.reason("GitLab does not have this")
		e.Hint = "Check the path. GitLab also answers 404 for what the user may not see."
	default:
		e.Code = protocol.GitLabError
		e.Message = failure.reason("GitLab answered " + providers.StatusText(status))
		e.Hint = "Mend the request as the message says."
	}
	return e
}

// redirected is the error for a redirect with which GitLab sends on to where
// artifacts and packages are stored. The place is left out, since its query can be a
// key to it. It returns nil for one to the sign-in page, and for one that bears no
// mark of GitLab's: that is a stranger's.
func redirected(instance string, status int, header http.Header) error {
	to, err := url.Parse(header.Get("Location"))
	if status < 301 || status > 308 || err != nil || to.Host == "" || strings.HasSuffix(to.Path, signInPath) || !isMarked(header) {
		return nil
	}
	return &protocol.Error{
		Code:     protocol.GitLabError,
		Message:  "GitLab sends this call on to " + providers.Shorten(to.Host, maxHost) + ", where the agent does not follow with the user's token",
		Hint:     "If that is a sign-in page of your network, it is in the way: open GitLab in the browser. If it is where GitLab keeps files, an administrator can let GitLab serve them itself with proxy_download.",
		Instance: instance,
		Status:   status,
	}
}

// isMarked reports whether an answer has one of the headers with which GitLab marks
// its own: Rails' since ever, and since 13.7 one of its own.
func isMarked(header http.Header) bool {
	for _, name := range []string{"X-Request-Id", "X-Runtime", "X-Gitlab-Meta"} {
		if header.Get(name) != "" {
			return true
		}
	}
	return false
}

// failure is the body of an error: from the API itself {"message": …} or
// {"error": …}, from OAuth {"error": …, "error_description": …, "scope": …}. What
// the first two hold can be a string, a list, or an object with a list a field.
type failure struct {
	Message     json.RawMessage `json:"message"`
	Error       json.RawMessage `json:"error"`
	Description string          `json:"error_description"`
	Scope       string          `json:"scope"`
}

func parseFailure(body []byte) failure {
	var f failure
	_ = json.Unmarshal(body, &f) // what is of another type stays empty
	return f
}

// reason returns GitLab's words, or otherwise.
func (f failure) reason(otherwise string) string {
	text := cmp.Or(words(f.Message), f.Description, words(f.Error))
	if text == "" {
		return otherwise
	}
	return "GitLab says: " + providers.Shorten(text, maxReason)
}

// scopes lists the scopes that GitLab names (RFC 6750 section 3.1). What is no
// scope is left out, and so are those after the first few hundred bytes.
func (f failure) scopes() []string {
	return onlyScopes(strings.Fields(providers.Shorten(f.Scope, maxReason)))
}

// onlyScopes leaves out what is no scope.
func onlyScopes(scopes []string) []string {
	return slices.DeleteFunc(scopes, func(scope string) bool {
		return scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return !isScopeChar(r) })
	})
}

// isScopeChar is from RFC 6749 section 3.3.
func isScopeChar(r rune) bool { return r > 0x20 && r < 0x7f && r != '"' && r != '\\' }

// words returns a string as it is, and a list or an object in JSON.
func words(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	return text
}
