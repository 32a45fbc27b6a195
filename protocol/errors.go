package protocol

import (
	"errors"
	"time"
)

// Error is an error as the user meets it: its message names the cause, its hint
// the next step. Neither ever carries a secret.
type Error struct {
	Code    Code
	Message string
	// Hint is the next step, for a person.
	Hint string
	// Instance is the id of the instance it is about, if it is about one.
	Instance string
	// RetryAfter is how long GitLab, or the agent itself, asks to wait.
	RetryAfter time.Duration
	// Status is GitLab's HTTP status, where it answered.
	Status  int
	Details *ErrorDetails
	// Err is the cause for errors.Is and the log; it does not go on the wire.
	Err error
}

// The causes of StoreDamaged, of a RateLimited that is not GitLab's, and of what
// cannot be unsealed.
const (
	CauseDamaged  = "damaged"  // the file was put aside, and a new one is in use
	CauseUnusable = "unusable" // permissions, a full disk, a failing one: nothing was touched
	CauseUnsafe   = "unsafe"   // other users can write to it, or it is not the user's
	CauseNewer    = "newer"    // a newer agent has written it
	CauseAgent    = "agent"    // the editor has asked the agent too much at once

	CauseKeyLost   = "keyLost"   // the key that seals it is gone
	CauseKeyLocked = "keyLocked" // the keyring with the key is locked or does not answer
)

// The causes that say what has to be mended where it is none of GitLab's, and not
// the request.
const (
	CauseRegistry    = "registry"    // the team's registry does not let the user write, or has a record that cannot be used
	CauseFolders     = "folders"     // two folders of the workspace disagree
	CauseChanged     = "changed"     // somebody was faster
	CauseTeamKey     = "teamKey"     // the credentials file has no team key, or another one
	CauseCredentials = "credentials" // the credentials file cannot be used
	CauseSettings    = "settings"    // a setting of the editor's
	CauseFile        = "file"        // a file of instances has a mistake in it, or cannot be read or written
	CausePolicy      = "policy"      // only the machine's administrator can change it
)

// ErrorDetails are facts about an error, for programs and support.
type ErrorDetails struct {
	// Cause is one word, where the code alone does not say what to do.
	//
	// For HostUnreachable: "dns"; "noRoute", no network leads there; "refused";
	// "timeout"; "proxy", which does not answer or does not let one through;
	// "proxyAuthentication", which wants another user or password; "tls", no
	// handshake comes about, or one side speaks plain http; "clientCertificate",
	// the server wants one, or another; "reset"; "connection" for all else; and
	// "keyLost" or "keyLocked" for the proxy's password in the store.
	//
	// For CertificateUntrusted: "expired", "notYetValid", "wrongName",
	// "selfSigned", "missingIntermediate", "unknownAuthority" or "invalid".
	//
	// For NotGitLab: "signInPage", a redirect to another host, or
	// "captivePortal", the network wants one to sign in; absent for any other answer.
	//
	// For SignInRequired: "revoked", "expired", "answerLost", "keyLost",
	// "otherApplication", the team has gone over to another application; or
	// "keyLocked" where the tokens are good again once the keyring is unlocked:
	// offer to try again before a new sign-in.
	//
	// For InvalidClient: "keyLocked" for the client secret; "teamKey" where the
	// team's registry has it sealed with a key that the credentials file lacks.
	//
	// For StoreDamaged: "damaged", "unusable", "unsafe" or "newer".
	//
	// For RateLimited: "agent" where it is the agent's own limit.
	//
	// For RegistryUnavailable: "refused", nothing answers there; "timeout";
	// "certificate", which is not trusted; "tls", the registry does not speak it;
	// "authorization", the credentials are not accepted; "permission", they do not
	// let one read this team's instances; "bucket", the team has none yet;
	// "jetstream", which is not enabled; "quorum", its servers have none that leads
	// them; "full", as many windows watch it as it allows; "size", there is more than
	// an agent takes; "connection" for all else.
	//
	// For Forbidden: "registry" where the team's registry refuses, not GitLab.
	//
	// For Conflict: "folders", two folders of the workspace disagree; "changed",
	// somebody has changed the instance meanwhile, such as in the team's registry.
	//
	// For Untrusted: "policy" where the machine's policy does not count.
	//
	// For InsecureTransport: "settings" where it is the team's registry that is set
	// without TLS.
	//
	// For InvalidParams: absent where the request has to be mended. "file", a file of
	// instances has a mistake in it, or cannot be read or written; "policy", only the
	// machine's administrator can change the instance; "credentials", the credentials
	// file for the team's registry cannot be used; "teamKey", it lacks the key;
	// "settings", what the editor's settings say of the team.
	Cause string `json:"cause,omitempty"`
	// Text is the cause in the words of whoever reported it.
	Text string `json:"text,omitempty"`
	// RedirectURI is the exact line to register.
	RedirectURI string `json:"redirectUri,omitempty"`
	// Scopes are those that are lacking, or of which one would do.
	Scopes []string `json:"scopes,omitempty"`
	// Methods are the ways to sign in that can work instead.
	Methods []AuthMethod `json:"methods,omitempty"`
	// Version is the instance's own, where the error comes of it and it is known: an
	// instance tells it only to who is signed in.
	Version string `json:"version,omitempty"`
	// NeedsVersion is the oldest version that would do.
	NeedsVersion string `json:"needsVersion,omitempty"`
	// Issuer, Subject and NotAfter describe an untrusted certificate: that of the
	// instance, of a proxy with https, or the one in its chain that has expired.
	Issuer   string     `json:"issuer,omitempty"`
	Subject  string     `json:"subject,omitempty"`
	NotAfter *time.Time `json:"notAfter,omitempty"`
	// Fingerprint is its SHA-256 fingerprint, as openssl and browsers show it.
	Fingerprint string `json:"fingerprint,omitempty"`
	// File is the file that the error is about: for StoreDamaged with the cause
	// "damaged" the copy that was put aside, else the one in use.
	File string `json:"file,omitempty"`
	// Files are the files that disagree, where it is about more than one.
	Files []string `json:"files,omitempty"`
	// Line and Column are where in File, counted from 1; a column is a character.
	Line int `json:"line,omitempty"`
	// Column: see Line.
	Column int `json:"column,omitempty"`
}

// ErrorData is what stands under "data" of a JSON-RPC error. Clients switch on
// the code or on Name, never on a text.
type ErrorData struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	// Instance is the id of the instance it is about, if it is about one.
	Instance string `json:"instance,omitempty"`
	// Hint is the next step, for a person.
	Hint string `json:"hint,omitempty"`
	// RetryAfterSeconds is how long GitLab, or the agent itself, asks to wait.
	RetryAfterSeconds int `json:"retryAfterSeconds,omitempty"`
	// Status is GitLab's HTTP status, where it answered.
	Status  int           `json:"status,omitempty"`
	Details *ErrorDetails `json:"details,omitempty"`
}

// Error returns the code's name and the message.
func (e *Error) Error() string { return e.Code.Name() + ": " + e.Message }

// Unwrap returns the code and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// Data returns what goes on the wire.
func (e *Error) Data() ErrorData {
	return ErrorData{
		Name: e.Code.Name(), Message: e.Message, Instance: e.Instance, Hint: e.Hint,
		RetryAfterSeconds: int((e.RetryAfter + time.Second - 1) / time.Second),
		Status:            e.Status, Details: e.Details,
	}
}

// WithInstance says which instance an error is about, where it does not say so
// itself. Other errors are returned as they are.
func WithInstance(err error, id string) error {
	var e *Error
	if !errors.As(err, &e) || e.Instance != "" {
		return err
	}
	about := *e
	about.Instance = id
	return &about
}

// WithCause adds the cause to the details of an error that has none. Other errors
// are returned as they are.
func WithCause(err error, cause string) error {
	var e *Error
	if !errors.As(err, &e) || e.Details != nil && e.Details.Cause != "" {
		return err
	}
	about, details := *e, ErrorDetails{}
	if e.Details != nil {
		details = *e.Details
	}
	details.Cause, about.Details = cause, &details
	return &about
}
