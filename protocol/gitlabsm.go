package protocol

import (
	"encoding/json"
	"time"
)

// The product's own requests.
var (
	// Configure makes a GitLab instance known, or replaces what is known of it: the
	// whole of it, or with keep only what the parameters say.
	// The URL is normalised and the instance is probed before anything is saved:
	// an address where nothing answers is HostUnreachable, one where something
	// else answers is NotGitLab, and an application ID or secret that GitLab does
	// not accept is InvalidClient. Accounts stay signed in as long as the
	// application is the same.
	Configure = Request[ConfigureParams, ConfigureResult]{"gitlabSM/configure", ToAgent}

	// Unconfigure forgets an instance and its accounts. Their tokens are revoked
	// at GitLab where it can be reached. One of the team's registry is withdrawn for
	// everybody; where none is set (any more), and where it has the instance no more,
	// that is forgotten on this machine only. Of one that a file in the workspace names,
	// the user's approval is forgotten, and the file stays: where the workspace is
	// trusted, which needs no approval, only the accounts go, and the instance is listed
	// on. One of the machine's policy cannot be unconfigured: InvalidParams with the
	// cause "policy".
	Unconfigure = Request[UnconfigureParams, UnconfigureResult]{"gitlabSM/unconfigure", ToAgent}

	// Status tells what is known here of the instances and accounts. It asks
	// nobody: it only waits for a configure, unconfigure or disconnect that was
	// sent before it.
	Status = Request[StatusParams, StatusResult]{"gitlabSM/status", ToAgent}

	// Authenticate signs the user in. With the method "browser" it opens the
	// user's browser at GitLab, waits until they approve, and answers with the
	// account. With "device", for machines without a browser, it shows a code that
	// the user enters at GitLab on any device; a GitLab before 17.2 has no such
	// thing, which is UnsupportedVersion. Both may take minutes: show progress, and
	// cancel with $/cancelRequest. A second call for the same instance replaces the
	// first, which is then answered as cancelled. With "token" it verifies a
	// personal access token, and waits for nobody. Whatever the method, the new
	// sign-in takes the place of one that the same user has.
	//
	// An instance that needs the user's approval is asked about first, by
	// window/showMessageRequest: Untrusted where they do not give it or cannot be asked,
	// SignInTimeout where they do not answer. The parameter approve says that the editor
	// has asked them.
	//
	// Where the instance changes while the user is in the browser, so that what they
	// approve there would serve nobody, the sign-in ends at once: NotConfigured where it
	// was removed or withdrawn, Conflict where it was given another application, and
	// Untrusted where it needs approval by now.
	Authenticate = Request[AuthenticateParams, AuthenticateResult]{"gitlabSM/authenticate", ToAgent}

	// CompleteAuthentication hands the agent a callback that reached the editor
	// instead: through the editor's own URI scheme, or because the user pasted the
	// address that their browser could not open. The pending authenticate request
	// is answered as usual; this one only says that the callback was taken.
	CompleteAuthentication = Request[CompleteAuthenticationParams, CompleteAuthenticationResult]{"gitlabSM/completeAuthentication", ToAgent}

	// Disconnect signs an account out: its tokens are revoked at GitLab, then
	// forgotten. They are forgotten even where the revocation fails, and a warning
	// says so. It needs no approval of the instance, and no source that still names it:
	// the accounts of one that is listed no more are signed out by its URL, and without
	// a URL where they are the only ones.
	Disconnect = Request[DisconnectParams, DisconnectResult]{"gitlabSM/disconnect", ToAgent}

	// Token answers with an access token that lives at least as long as asked,
	// refreshed first where need be. It is the only message in which a token
	// leaves the agent; prefer gitlabSM/request, which keeps it inside.
	Token = Request[TokenParams, TokenResult]{"gitlabSM/token", ToAgent}

	// CallAPI calls GitLab's REST API as the user
	// (https://docs.gitlab.com/api/rest/). An answer of 400 or above is an error
	// with GitLab's own reason in it.
	CallAPI = Request[CallAPIParams, CallAPIResult]{"gitlabSM/request", ToAgent}

	// CurrentUser asks GitLab who the user is. Besides its answer it proves that
	// the account's token works.
	CurrentUser = Request[CurrentUserParams, User]{"gitlabSM/currentUser", ToAgent}

	// ResolveRemote finds the instance and the project of a git remote, or null
	// where the remote belongs to no configured instance. Host, port and root have
	// to be the instance's exactly, or over ssh one of its SSH hosts. A host that is
	// no instance's is looked up with ssh -G, since it may be an alias of the user's;
	// nobody on the network is asked.
	ResolveRemote = Request[ResolveRemoteParams, *RemoteProject]{"gitlabSM/resolveRemote", ToAgent}

	// Diagnose checks everything between the editor and GitLab, one line a check,
	// each with the next step where it fails.
	Diagnose = Request[DiagnoseParams, DiagnoseResult]{"gitlabSM/diagnose", ToAgent}
)

// The product's own notifications.
var (
	// DidStartAuthentication says that a sign-in waits for the user. Every client
	// gets the URL, whoever opens the browser, and may offer it as a link.
	DidStartAuthentication = Notification[DidStartAuthenticationParams]{"gitlabSM/didStartAuthentication", ToEditor}

	// DidChangeInstances says that an instance was added, changed or removed:
	// here, in another window, by a team mate through the registry, by a file in a
	// folder of the workspace that was edited, opened or closed, by the user who lets
	// such an instance be used or trusts the workspace, or by the machine's policy. It
	// carries all that are left. An instance that is gone without having been
	// unconfigured or withdrawn keeps its accounts: nobody is signed out, and they are
	// there when it comes back.
	//
	// Changes are told as against the state at initialized: ask gitlabSM/status once,
	// after it.
	DidChangeInstances = Notification[DidChangeInstancesParams]{"gitlabSM/didChangeInstances", ToEditor}

	// DidChangeAuthentication says that an account was signed in, signed out,
	// refused by GitLab, or refreshed: here or in another window. It follows on
	// gitlabSM/didChangeInstances too where that brings an instance with accounts, such
	// as with a folder that was opened again. An instance that is only listed no longer
	// signs nobody out.
	DidChangeAuthentication = Notification[DidChangeAuthenticationParams]{"gitlabSM/didChangeAuthentication", ToEditor}

	// DidChangeStatus says how it stands by now with the team's registry and with the
	// sources of instances: the connection was made or lost, a problem came up or was
	// mended.
	DidChangeStatus = Notification[DidChangeStatusParams]{"gitlabSM/didChangeStatus", ToEditor}
)

// ConfigureParams describes an instance.
type ConfigureParams struct {
	// URL is the instance's base URL as the user's network knows it: any
	// http(s)://host[:port][/root], with or without scheme or trailing slash.
	URL string `json:"url"`
	// ClientID is the application ID that GitLab shows for the OAuth application.
	// It may be left out where only personal access tokens are allowed.
	ClientID string `json:"clientId,omitempty"`
	// ClientSecret is the application's secret. A non-confidential application
	// has none.
	ClientSecret string `json:"clientSecret,omitempty"`
	// RedirectURI is the redirect URI registered with the application. Default:
	// http://127.0.0.1/no-auth/provider-token/gitlab_enterprise, with any free
	// port put in at sign-in. With a port, that port is used: GitLab before 13.9
	// compares it, and needs one.
	RedirectURI string `json:"redirectUri,omitempty"`
	// Scopes are asked for at sign-in. Default: ["api"].
	Scopes []string `json:"scopes,omitzero"`
	// Name is shown to people. Default: the URL without its scheme.
	Name string `json:"name,omitempty"`
	// SSHHosts are further host names, each with an optional port, under which
	// git remotes reach this instance, such as "ssh.gitlab.example.com:2222".
	SSHHosts []string `json:"sshHosts,omitzero"`
	// Network overrides the settings of initialize for this instance, field by field:
	// what it does not set, they still say. clientCertFile and clientKeyFile count as
	// one. With noProxy "*" the instance is reached directly, whatever proxy is set. A
	// password in the proxy's URL is kept sealed, and nobody is shown it.
	Network *Network `json:"network,omitempty"`
	// AllowHTTP consents to plain http to a host other than loopback.
	AllowHTTP bool `json:"allowHttp,omitempty"`
	// Share says who gets the instance: "local", "team" or "workspace". Default:
	// "team" where a registry is set, else "local". With "workspace" it is written into
	// the file of the first folder of the workspace, for the user to commit. With
	// "workspace" and "team" what was configured on this machine alone goes, and its
	// secret with it: it would hide what the others change.
	Share Share `json:"share,omitempty"`
	// Keep leaves what these parameters leave out as it is known, wherever that comes
	// from: the client secret as long as the application ID is the same, and the network
	// settings field by field. So one setting can be changed by who does not know the
	// secret. An empty list is not left out. An instance that is the team's stays so
	// where the registry is set; any other is this machine's own, unless share says
	// more. It changes nothing where the instance is not known yet. Default: false.
	Keep bool `json:"keep,omitempty"`
	// Verify is false to save without asking the instance first. Default: true.
	Verify *bool `json:"verify,omitempty"`
}

// ConfigureResult tells what was saved.
type ConfigureResult struct {
	Instance Instance `json:"instance"`
	// Warnings are sentences for the person who configures.
	Warnings []string `json:"warnings"`
}

// UnconfigureParams names an instance.
type UnconfigureParams struct {
	// Instance is the id, or the URL in any spelling.
	Instance string `json:"instance"`
}

// UnconfigureResult is empty.
type UnconfigureResult struct{}

// StatusParams optionally names one instance.
type StatusParams struct {
	// Instance is the id of one instance. Default: all. It can be one of which only
	// accounts are left.
	Instance string `json:"instance,omitempty"`
}

// StatusResult lists what is known.
type StatusResult struct {
	// Instances stand in the order of their ids.
	Instances []Instance `json:"instances"`
	// Unlisted are accounts that are kept of instances which no source names (any more),
	// or about which files disagree. They serve again once the instance is back, and can
	// be signed out.
	Unlisted []Account `json:"unlisted,omitempty"`
	// Store says where all of this is kept.
	Store Store `json:"store"`
	// Registry says how it stands with the team's registry. Absent where none is set;
	// and where the setting makes no sense, which is a problem.
	Registry *RegistryStatus `json:"registry,omitempty"`
	// Problems are what is wrong with the sources of instances, and with the settings
	// that name one.
	Problems []Problem `json:"problems"`
}

// Problem is something wrong with a source of instances, which does not count, in
// whole or in part: such as a mistake in a file. All else goes on. A problem has what
// an error has: show its message and its hint, and where the details have a file, a
// line and a column, underline the place.
type Problem struct {
	// Source is where the instances would come from.
	Source Source `json:"source"`
	// Code is an error's.
	Code int `json:"code"`
	// Name is the name of the code.
	Name string `json:"name"`
	// Message is what is wrong.
	Message string `json:"message"`
	// Hint is the next step, for a person.
	Hint string `json:"hint,omitempty"`
	// Instance is the id of the instance it is about, if it is about one.
	Instance string `json:"instance,omitempty"`
	// Details say what has to be mended: the cause, and for a file which and where in
	// it, with what is wrong there as the text.
	Details *ErrorDetails `json:"details,omitempty"`
}

// RegistryStatus says how it stands with the team's registry. What was last seen of
// it serves in every state.
type RegistryStatus struct {
	// URL is the first of the settings'.
	URL string `json:"url"`
	// State is how the connection stands.
	State RegistryState `json:"state"`
	// Since is when that began.
	Since time.Time `json:"since"`
	// Problem is why it is away.
	Problem *Problem `json:"problem,omitempty"`
}

// RegistryState is the state of the connection to the team's registry.
type RegistryState string

// The values of [RegistryState].
const (
	RegistryConnecting RegistryState = "connecting"  // it has not answered yet
	RegistryConnected  RegistryState = "connected"   // changes come at once
	RegistryAway       RegistryState = "unavailable" // it is tried again all the time
)

// Store says where instances, accounts and their secrets are kept.
type Store struct {
	// DataDir is the directory, which all windows share that name the same.
	DataDir string `json:"dataDir"`
	// Key says where the key lies that seals new secrets.
	Key StoreKey `json:"key"`
}

// StoreKey says where the key lies that seals new secrets.
type StoreKey string

// The values of [StoreKey].
const (
	StoreKeyKeyring StoreKey = "keyring" // in the system's keyring
	StoreKeyFile    StoreKey = "file"    // in a file in the data directory
	StoreKeyNone    StoreKey = "none"    // nowhere: no secret has been kept yet
)

// AuthenticateParams says where and how to sign in.
type AuthenticateParams struct {
	// Instance may be left out where exactly one is configured.
	Instance string `json:"instance,omitempty"`
	// Method is "browser" (default), "device" or "token".
	Method AuthMethod `json:"method,omitempty"`
	// Token is a personal access token, for the method "token" only.
	Token string `json:"token,omitempty"`
	// TimeoutSeconds is how long to wait for the user, be it for their approval of the
	// instance or for their sign-in. Default: 300.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`
	// Approve says that the user lets an instance be used that needs their approval:
	// it is the id of its offer. It is for editors that have no
	// window/showMessageRequest, or ask in a better place. Send it only where the user
	// was shown the file and the address, best by the offer's question, and has said yes
	// to them: a click on "Sign in" alone is no approval, since a repository can be
	// hostile. Where the file says something else by now, the answer is Untrusted. The
	// approval is kept, whatever becomes of the sign-in. Where the instance needs none,
	// Approve does nothing.
	Approve string `json:"approve,omitempty"`
	// WorkDoneToken is the editor's progress token, as in LSP. Without it the
	// agent creates one where the editor supports that.
	WorkDoneToken ProgressToken `json:"workDoneToken,omitzero"`
}

// AuthenticateResult tells who signed in.
type AuthenticateResult struct {
	Account Account `json:"account"`
	// Warnings are sentences for the person who signed in, such as that a token
	// ends soon.
	Warnings []string `json:"warnings"`
}

// CompleteAuthenticationParams carries a callback.
type CompleteAuthenticationParams struct {
	// CallbackURL is the whole URL to which GitLab sent the browser.
	CallbackURL string `json:"callbackUrl"`
}

// CompleteAuthenticationResult is empty.
type CompleteAuthenticationResult struct{}

// DisconnectParams names what to sign out.
type DisconnectParams struct {
	// Instance may be left out where exactly one is configured.
	Instance string `json:"instance,omitempty"`
	// Account may be left out where exactly one is signed in.
	Account string `json:"account,omitempty"`
	// Revoke is whether to revoke at GitLab first. Default: true for tokens that
	// OAuth issued, false for a personal access token.
	Revoke *bool `json:"revoke,omitempty"`
}

// DisconnectResult tells what became of the tokens.
type DisconnectResult struct {
	// Revoked is true where GitLab confirmed that the tokens are dead.
	Revoked bool `json:"revoked"`
	// Warnings say why a revocation failed, and what to do about it.
	Warnings []string `json:"warnings"`
}

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

// DiagnoseParams optionally names one instance.
type DiagnoseParams struct {
	// Instance is the id of one instance. Default: all.
	Instance string `json:"instance,omitempty"`
	// Names puts the names of users and their home directory into the report. Without
	// it accounts go by their ids, so that the report can be pasted into a ticket.
	Names bool `json:"names,omitempty"`
}

// DiagnoseResult is a report: what was examined by what, and the checks in the
// order of the way from the editor to GitLab. It has no secrets.
type DiagnoseResult struct {
	Checks []Check `json:"checks"`
	// Version is the agent's own.
	Version string `json:"version"`
	// OS and Arch are the system that the agent was built for, in the words of Go
	// (GOOS, GOARCH), such as "windows" and "amd64".
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// Time is when the report was begun.
	Time time.Time `json:"time"`
}

// DidStartAuthenticationParams tells where the user has to go.
type DidStartAuthenticationParams struct {
	// Instance is the id of the instance.
	Instance string     `json:"instance"`
	Method   AuthMethod `json:"method"`
	// AuthorizeURL is where the browser goes (method "browser").
	AuthorizeURL string `json:"authorizeUrl,omitempty"`
	// RedirectURI is where GitLab sends the browser afterwards.
	RedirectURI string `json:"redirectUri,omitempty"`
	// VerificationURI is where the user enters UserCode (method "device").
	VerificationURI string `json:"verificationUri,omitempty"`
	// VerificationURIComplete is the same with the code in it.
	VerificationURIComplete string `json:"verificationUriComplete,omitempty"`
	// UserCode is what the user enters there.
	UserCode string `json:"userCode,omitempty"`
	// ExpiresAt is when the agent stops waiting.
	ExpiresAt time.Time `json:"expiresAt"`
}

// DidChangeInstancesParams lists all instances as they are now.
type DidChangeInstancesParams struct {
	Instances []Instance `json:"instances"`
}

// DidChangeAuthenticationParams tells what became of an account.
type DidChangeAuthenticationParams struct {
	// Instance is the id of the instance.
	Instance string `json:"instance"`
	// Account is the id of the account.
	Account string `json:"account,omitempty"`
	// User is whose account it is.
	User  *User     `json:"user,omitempty"`
	State AuthState `json:"state"`
	// Reason is "refreshed" for a renewed token, and for signInRequired why GitLab
	// does not accept the tokens, or why they cannot be used: "revoked", "expired",
	// "answerLost" (GitLab renewed them, and its answer never arrived), "keyLost", or
	// "otherApplication" (the team has gone over to another application, and the tokens
	// are from the one before).
	Reason string `json:"reason,omitempty"`
}

// DidChangeStatusParams is what may have changed of the status.
type DidChangeStatusParams struct {
	// Registry says how it stands with the team's registry, as in the status.
	Registry *RegistryStatus `json:"registry,omitempty"`
	// Problems are all that there are by now.
	Problems []Problem `json:"problems"`
}
