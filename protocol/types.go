package protocol

import "time"

// Share says who gets an instance.
type Share string

// The values of [Share].
const (
	ShareLocal     Share = "local"     // this machine's user only
	ShareTeam      Share = "team"      // everybody who has the team's registry
	ShareWorkspace Share = "workspace" // everybody who has the repository
)

// Source says where an instance comes from.
type Source string

// The values of [Source].
const (
	SourceLocal     Source = "local"     // configured on this machine
	SourceTeam      Source = "team"      // the team's registry
	SourceWorkspace Source = "workspace" // a file in the workspace
	SourcePolicy    Source = "policy"    // the machine's administrator
)

// SourceConflict is a source that says something else of an instance than the one
// that counts.
type SourceConflict struct {
	// Source is the weaker one, whose settings do not count.
	Source Source `json:"source"`
	// Origin is the file, or the registry.
	Origin string `json:"origin,omitempty"`
	// Fields are the settings that differ.
	Fields []string `json:"fields"`
}

// AuthMethod is a way to sign in.
type AuthMethod string

// The values of [AuthMethod].
const (
	MethodBrowser AuthMethod = "browser" // OAuth authorization code with PKCE (RFC 6749, RFC 7636)
	MethodDevice  AuthMethod = "device"  // OAuth device authorization (RFC 8628)
	MethodToken   AuthMethod = "token"   // a personal access token
)

// AuthState is the state of an account, or of all accounts of an instance.
type AuthState string

// The values of [AuthState].
const (
	StateSignedIn       AuthState = "signedIn"       // ready to call GitLab
	StateSignedOut      AuthState = "signedOut"      // no account
	StateSignInRequired AuthState = "signInRequired" // GitLab no longer accepts the tokens
	StatePending        AuthState = "pending"        // a sign-in waits for the user in this window
)

// Instance is a configured GitLab.
type Instance struct {
	// ID is the normalised URL: scheme and host in lower case, no default port, no
	// trailing slash, the root's case kept.
	ID string `json:"id"`
	// URL is the base URL to which every endpoint is joined.
	URL string `json:"url"`
	// Name is shown to people.
	Name string `json:"name"`
	// ClientID is the ID of the OAuth application.
	ClientID string `json:"clientId,omitempty"`
	// Confidential is true where a client secret is kept.
	Confidential bool `json:"confidential"`
	// RedirectURI is the exact line to register as redirect URI with the
	// application in GitLab.
	RedirectURI string `json:"redirectUri"`
	// Scopes are asked for at sign-in.
	Scopes []string `json:"scopes"`
	// SSHHosts are further hosts under which git remotes reach the instance.
	SSHHosts []string `json:"sshHosts"`
	// Source is where the instance comes from.
	Source Source `json:"source"`
	// Origin is the file, or the registry, that it comes from. Absent for one that
	// was configured on this machine. A path with characters that are not shown is
	// quoted, with these escaped, as in Go.
	Origin string `json:"origin,omitempty"`
	// NeedsApproval is true for an instance that a file in the workspace offers, and
	// that the user has not let be used yet, or not with these settings. Until they do,
	// whatever would use it is answered with Untrusted, but for gitlabSM/authenticate,
	// which asks them by window/showMessageRequest. Whoever is signed in to it stays so,
	// and can be signed out.
	NeedsApproval bool `json:"needsApproval,omitempty"`
	// Offer is there where NeedsApproval is true.
	Offer *Offer `json:"offer,omitempty"`
	// Conflicts are weaker sources that say something else of the instance. What
	// they say does not count.
	Conflicts []SourceConflict `json:"conflicts,omitempty"`
	// Version is GitLab's own, as last seen, such as "17.11.0".
	Version string `json:"version,omitempty"`
	// Methods are the ways to sign in that can work here, as far as is known, the
	// best first.
	Methods []AuthMethod `json:"methods"`
	Auth    Auth         `json:"auth"`
}

// Offer is what a file in the workspace offers, for an editor that asks its user by
// itself.
type Offer struct {
	// ID names this instance of this file with these settings, its name excepted. It
	// changes with them, so that nobody approves what they have not seen. It goes into
	// the parameter approve of gitlabSM/authenticate.
	ID string `json:"id"`
	// Question is what to ask: the sentences of window/showMessageRequest, with the
	// file, the address, and what is unusual about it.
	Question string `json:"question"`
}

// Auth sums up the accounts of an instance.
type Auth struct {
	// State is pending while a sign-in waits; else signedIn where any account is,
	// signInRequired where one was, and signedOut.
	State AuthState `json:"state"`
	// Reason tells why a sign-in is required: "revoked", "expired", "answerLost"
	// (GitLab renewed the tokens, and its answer never arrived), "keyLost", or
	// "otherApplication" (the team has gone over to another application, and the tokens
	// are from the one before).
	Reason   string    `json:"reason,omitempty"`
	Accounts []Account `json:"accounts"`
}

// Account is one user on one instance.
type Account struct {
	// ID names the account among those of its instance.
	ID string `json:"id"`
	// Instance is the id of the instance.
	Instance string     `json:"instance"`
	User     User       `json:"user"`
	Method   AuthMethod `json:"method"`
	// Scopes are those that GitLab granted.
	Scopes []string `json:"scopes"`
	// ExpiresAt is when the access token ends; it is refreshed before, but for a
	// personal access token. Absent for a token that does not expire.
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	// TokenKind is what kind of token it is (method "token").
	TokenKind TokenKind `json:"tokenKind,omitempty"`
	// State is signedIn, or signInRequired where the tokens can no longer be used.
	State AuthState `json:"state"`
	// Reason tells why a sign-in is required, as for the instance.
	Reason string `json:"reason,omitempty"`
}

// TokenKind is a kind of token that a person can make in GitLab.
type TokenKind string

// The values of [TokenKind].
const (
	TokenPersonal TokenKind = "personal" // a personal access token: acts as the user
	TokenProject  TokenKind = "project"  // a project access token: acts as a bot of one project
	TokenGroup    TokenKind = "group"    // a group access token: acts as a bot of one group
)

// User is a GitLab user (https://docs.gitlab.com/api/users/).
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	// Email is absent where the token's scopes do not show it.
	Email     string `json:"email,omitempty"`
	AvatarURL string `json:"avatarUrl,omitempty"`
	WebURL    string `json:"webUrl"`
}

// CheckStatus is the outcome of a check.
type CheckStatus string

// The values of [CheckStatus].
const (
	CheckPass CheckStatus = "pass" // as it should be
	CheckWarn CheckStatus = "warn" // works, but look at it
	CheckFail CheckStatus = "fail" // in the way
	CheckSkip CheckStatus = "skip" // not checked; detail says why, such as an earlier check that failed
)

// Check is one line of a diagnosis.
type Check struct {
	// Name is what was checked. Of this machine: "store", "keyring", "registry" (the
	// team's, where one is set), "browser", and where there is anything to say of them
	// "policy" and "workspace" (the files that name instances). Of each instance:
	// "settings", "proxy", "dns", "connection", "tls", "instance" (it is GitLab),
	// "address" (where GitLab gives its own as another), "clock", "application",
	// "redirect", "scopes", then for each account "token" (as it is kept here),
	// "account" (GitLab accepts it) and "rateLimit", and last "version". There may be
	// more to come.
	Name string `json:"name"`
	// Instance is the id of the instance that was checked, if one was.
	Instance string `json:"instance,omitempty"`
	// Account is the id of the account that was checked, if one was.
	Account string      `json:"account,omitempty"`
	Status  CheckStatus `json:"status"`
	// Detail is what was found, in a sentence.
	Detail string `json:"detail"`
	// Hint is the next step.
	Hint string `json:"hint,omitempty"`
}
