package protocol

import "strconv"

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

// names are the codes with their names on the wire: JSON-RPC's and LSP's, then the
// product's own, each in ascending order of magnitude.
var names = []struct {
	code Code
	name string
}{
	{ParseError, "ParseError"},
	{InvalidRequest, "InvalidRequest"},
	{MethodNotFound, "MethodNotFound"},
	{InvalidParams, "InvalidParams"},
	{InternalError, "InternalError"},
	{ServerNotInitialized, "ServerNotInitialized"},
	{RequestCancelled, "RequestCancelled"},
	{NotConfigured, "NotConfigured"},
	{SignInRequired, "SignInRequired"},
	{SignInDenied, "SignInDenied"},
	{SignInTimeout, "SignInTimeout"},
	{InvalidClient, "InvalidClient"},
	{InvalidRedirect, "InvalidRedirect"},
	{InvalidScope, "InvalidScope"},
	{InvalidToken, "InvalidToken"},
	{CallbackRejected, "CallbackRejected"},
	{HostUnreachable, "HostUnreachable"},
	{CertificateUntrusted, "CertificateUntrusted"},
	{NotGitLab, "NotGitLab"},
	{RateLimited, "RateLimited"},
	{Forbidden, "Forbidden"},
	{InsufficientScope, "InsufficientScope"},
	{NotFound, "NotFound"},
	{GitLabError, "GitLabError"},
	{UnsupportedVersion, "UnsupportedVersion"},
	{StoreBusy, "StoreBusy"},
	{StoreDamaged, "StoreDamaged"},
	{Conflict, "Conflict"},
	{Untrusted, "Untrusted"},
	{RegistryUnavailable, "RegistryUnavailable"},
	{InsecureTransport, "InsecureTransport"},
}

// Name returns the name that goes on the wire beside the code.
func (c Code) Name() string {
	for _, known := range names {
		if known.code == c {
			return known.name
		}
	}
	return "Code(" + strconv.Itoa(int(c)) + ")"
}

// Error returns the name.
func (c Code) Error() string { return c.Name() }

// Codes lists every code of the protocol: JSON-RPC's and LSP's, then the
// product's own, each in ascending order of magnitude.
func Codes() []Code {
	codes := make([]Code, len(names))
	for i, known := range names {
		codes[i] = known.code
	}
	return codes
}
