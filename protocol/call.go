package protocol

import (
	"encoding/json"
	"time"
)

// TokenParams says whose token, and how long it must live.
type TokenParams struct {
	// Instance may be left out where exactly one is configured.
	Instance string `json:"instance,omitempty"`
	// Account may be left out where exactly one is signed in.
	Account string `json:"account,omitempty"`
	// MinValiditySeconds is how long the token must live from now. Default: 60.
	MinValiditySeconds *int `json:"minValiditySeconds,omitempty"`
}

// TokenResult is an access token and how to use it.
type TokenResult struct {
	AccessToken string `json:"accessToken"`
	// TokenType goes before the token in an Authorization header: "Bearer".
	TokenType string `json:"tokenType"`
	// ExpiresAt is null for a token that does not expire.
	ExpiresAt *time.Time `json:"expiresAt"`
	// Scopes are those that GitLab granted.
	Scopes []string `json:"scopes"`
	// GitUsername is the user name for git over HTTPS, with the token as password.
	GitUsername string `json:"gitUsername"`
}

// CallAPIParams describes one call of GitLab's REST API.
type CallAPIParams struct {
	// Instance may be left out where exactly one is configured.
	Instance string `json:"instance,omitempty"`
	// Account may be left out where exactly one is signed in.
	Account string `json:"account,omitempty"`
	// Method is the HTTP method. Default: GET.
	Method string `json:"method,omitempty"`
	// Path is below /api/v4 and cannot leave it. A project's path is one segment:
	// "/projects/group%2Fproject/issues".
	Path string `json:"path"`
	// Query are the query's parameters. Those that carry credentials or name
	// another user, such as private_token and sudo, are refused.
	Query map[string]QueryValue `json:"query,omitempty"`
	// Headers are sent along. Those that carry credentials, name another user or
	// another sender, or frame the request are refused.
	Headers map[string]string `json:"headers,omitempty"`
	// Body is sent as JSON. GitLab reads an object's members as parameters: those
	// that the query may not have are refused here too.
	Body json.RawMessage `json:"body,omitempty"`
	// AllPages follows pagination (GET only): Body in the result is then one list.
	AllPages bool `json:"allPages,omitempty"`
}

// CallAPIResult is GitLab's answer.
type CallAPIResult struct {
	// Status is GitLab's HTTP status: that of a success, or 304.
	Status int `json:"status"`
	// Headers have lower-case names; several values are joined by ", ".
	Headers map[string]string `json:"headers"`
	// Body is the JSON value of the answer, a string where the answer is text,
	// base64 where BodyEncoding says so, and null where it is empty.
	Body json.RawMessage `json:"body"`
	// BodyEncoding is "base64" for an answer that is neither JSON nor text.
	BodyEncoding string `json:"bodyEncoding,omitempty"`
}

// CurrentUserParams says whose account.
type CurrentUserParams struct {
	// Instance may be left out where exactly one is configured.
	Instance string `json:"instance,omitempty"`
	// Account may be left out where exactly one is signed in.
	Account string `json:"account,omitempty"`
}

// ResolveRemoteParams carries a remote.
type ResolveRemoteParams struct {
	// Remote is the URL of a git remote, in any form that git takes.
	Remote string `json:"remote"`
}

// RemoteProject is a project on a configured instance.
type RemoteProject struct {
	// Instance is the id of the instance.
	Instance string `json:"instance"`
	// ProjectPath is the full path with all groups, without ".git".
	ProjectPath string `json:"projectPath"`
}
