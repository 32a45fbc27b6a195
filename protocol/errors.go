package protocol

import (
	"errors"
	"strconv"
	"time"
)

// Code is an error code of the protocol. A Code is an error itself, so that
// errors.Is(err, SignInRequired) asks for the meaning, however deep it was
// wrapped.
type Code int

// The codes of JSON-RPC 2.0 (https://www.jsonrpc.org/specification#error_object)
// and of LSP 3.17.
const (
	// ParseError: the message is not JSON in UTF-8.
	ParseError Code = -32700
	// InvalidRequest: the message is JSON but not a JSON-RPC request, or it is not
	// allowed at this point of the session.
	InvalidRequest Code = -32600
	// MethodNotFound: this build does not answer the method.
	MethodNotFound Code = -32601
	// InvalidParams: a parameter is missing, unknown, of the wrong type or without
	// meaning. Mend the request; but with a cause it is not the request that has to be
	// mended: the cause says what.
	InvalidParams Code = -32602
	// InternalError: the agent's fault. The message has an id to find in its log.
	InternalError Code = -32603
	// ServerNotInitialized: a request came before initialize.
	ServerNotInitialized Code = -32002
	// RequestCancelled: the request was cancelled, by the editor or by a later
	// request that replaced it.
	RequestCancelled Code = -32800
)

// The product's own codes.
const (
	// NotConfigured: no such instance, or none at all. Configure it.
	NotConfigured Code = 1001
	// SignInRequired: no account, or GitLab no longer accepts its tokens. Offer to
	// sign in.
	SignInRequired Code = 1002
	// SignInDenied: the user pressed Deny.
	SignInDenied Code = 1003
	// SignInTimeout: nobody came back from the browser in time, and the hint lists
	// GitLab's pages that never redirect back; or nobody said in time whether the
	// instance may be used.
	SignInTimeout Code = 1004
	// InvalidClient: GitLab does not know the application ID, or the secret is
	// missing, wrong or renewed. Configure the instance again; but with a cause the
	// secret is there, and cannot be opened: configuring again is no cure.
	InvalidClient Code = 1005
	// InvalidRedirect: the redirect URI is not registered, or cannot be used. The
	// hint gives the exact line to register.
	InvalidRedirect Code = 1006
	// InvalidScope: the application lacks a requested scope.
	InvalidScope Code = 1007
	// InvalidToken: the personal access token is refused, expired or of the wrong
	// kind.
	InvalidToken Code = 1008
	// CallbackRejected: a callback with an unknown or used state. Start over with
	// authenticate.
	CallbackRejected Code = 1009
	// HostUnreachable: the network or a proxy is in the way; details has the cause.
	// A cause that the client does not know is as "connection". Nobody is
	// signed out by it: try again later.
	HostUnreachable Code = 1010
	// CertificateUntrusted: the instance's certificate is not trusted. The message
	// says which, by whom it was issued and until when, the hint what to do about the
	// cause.
	CertificateUntrusted Code = 1011
	// NotGitLab: something else answers there, such as a login page or a proxy's.
	NotGitLab Code = 1012
	// RateLimited: GitLab asks to wait for retryAfterSeconds, or the agent does,
	// whose own limits have the cause "agent".
	RateLimited Code = 1013
	// Forbidden: GitLab refused with 403; the message has its reason. With the cause
	// "registry" it is the team's registry that does not let the user write.
	Forbidden Code = 1014
	// InsufficientScope: the token lacks a scope; details says which.
	InsufficientScope Code = 1015
	// NotFound: GitLab answered 404, which it also does for what the user may not
	// see.
	NotFound Code = 1016
	// GitLabError: any other status of 400 and above, in status.
	GitLabError Code = 1017
	// UnsupportedVersion: the instance is older than the feature.
	UnsupportedVersion Code = 1018
	// StoreBusy: the store's lock could not be had in time. Try again.
	StoreBusy Code = 1020
	// StoreDamaged: the store cannot be read or written. With the cause "damaged" a
	// copy was put where details says; with any other nothing was touched.
	StoreDamaged Code = 1021
	// Conflict: someone else changed it first ("changed"): read again. Or two folders
	// of the workspace disagree ("folders"): have the user mend one of the files.
	Conflict Code = 1022
	// Untrusted: a file in the workspace wants an instance that the user has not
	// approved. With the cause "policy" it is the machine's policy that does not count,
	// since others than the administrator can write it.
	Untrusted Code = 1023
	// RegistryUnavailable: the team's registry does not answer, or not as one does;
	// details has the cause. What is cached still serves. A cause that the client does
	// not know is as "connection".
	RegistryUnavailable Code = 1024
	// InsecureTransport: plain http to a host other than loopback needs consent.
	InsecureTransport Code = 1025
)

var codeNames = map[Code]string{
	ParseError: "ParseError", InvalidRequest: "InvalidRequest", MethodNotFound: "MethodNotFound",
	InvalidParams: "InvalidParams", InternalError: "InternalError",
	ServerNotInitialized: "ServerNotInitialized", RequestCancelled: "RequestCancelled",
	NotConfigured: "NotConfigured", SignInRequired: "SignInRequired", SignInDenied: "SignInDenied",
	SignInTimeout: "SignInTimeout", InvalidClient: "InvalidClient", InvalidRedirect: "InvalidRedirect",
	InvalidScope: "InvalidScope", InvalidToken: "InvalidToken", CallbackRejected: "CallbackRejected",
	HostUnreachable: "HostUnreachable", CertificateUntrusted: "CertificateUntrusted", NotGitLab: "NotGitLab",
	RateLimited: "RateLimited", Forbidden: "Forbidden", InsufficientScope: "InsufficientScope",
	NotFound: "NotFound", GitLabError: "GitLabError", UnsupportedVersion: "UnsupportedVersion",
	StoreBusy: "StoreBusy", StoreDamaged: "StoreDamaged", Conflict: "Conflict", Untrusted: "Untrusted",
	RegistryUnavailable: "RegistryUnavailable", InsecureTransport: "InsecureTransport",
}

// Name returns the name that goes on the wire beside the code.
func (c Code) Name() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return "Code(" + strconv.Itoa(int(c)) + ")"
}

// Error returns the name.
func (c Code) Error() string { return c.Name() }

// Codes lists every code of the protocol: JSON-RPC's and LSP's, then the
// product's own, each in ascending order of magnitude.
func Codes() []Code {
	return []Code{
		ParseError, InvalidRequest, MethodNotFound, InvalidParams, InternalError,
		ServerNotInitialized, RequestCancelled,
		NotConfigured, SignInRequired, SignInDenied, SignInTimeout, InvalidClient, InvalidRedirect,
		InvalidScope, InvalidToken, CallbackRejected, HostUnreachable, CertificateUntrusted, NotGitLab,
		RateLimited, Forbidden, InsufficientScope, NotFound, GitLabError, UnsupportedVersion,
		StoreBusy, StoreDamaged, Conflict, Untrusted, RegistryUnavailable, InsecureTransport,
	}
}

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
	// "jetstream", which is not enabled; "size", there is more than an agent takes;
	// "connection" for all else.
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
