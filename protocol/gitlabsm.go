package protocol

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
