// Package sessiontest runs session scripts: conversations between editors, their
// agents and the world outside, written down so that a newcomer learns the
// protocol by reading them, and played against the real program so that they
// stay true. The scripts are in testdata/sessions. This is the manual of their
// language.
//
// # A script
//
//	A refresh token that GitLab no longer accepts. The agent asks for a new
//	sign-in; it does not retry.
//
//	-- setup --
//	gitlab user sam
//	signed-in sam
//	-- session --
//	! gitlab revokes sam
//	-> 1 gitlabSM/currentUser {}
//	<- gitlabSM/didChangeAuthentication {"state": "signInRequired", "reason": "revoked"}
//	<- 1 error SignInRequired {"instance": "${gitlab}"}
//
// A script is a txtar archive (golang.org/x/tools/txtar): prose that says what it
// shows and which bugs it pins, then the setup, then the session, one step a
// line. Other sections are files of the workspace that the editors have open,
// with variables in them replaced. A line that begins with white space continues
// the one before it; one that begins with "#" is a comment.
//
// # The setup
//
//	gitlab [NAME] [OPTION…]       start a GitLab: the fake of package providertest
//	registry [NAME]               start a team's registry: a nats-server as testdata/nats
//	                              documents it
//	website NAME [redirects URL | status N]
//	                              start a web server that is not GitLab; ${NAME} is its URL
//	proxy NAME [password]         start a proxy, after the gitlab: it finds every host at the
//	                              first one, also such that nobody knows. ${NAME} is its URL,
//	                              ${NAME.host} the host and port in it, and
//	                              ${NAME.withPassword} the URL with a user and the password
//	                              that it wants with "password"
//	closed NAME                   ${NAME} is a URL where nothing listens
//	busy-port NAME                ${NAME} is a port that another program holds
//	free-port NAME                ${NAME} is a port that an agent can have for itself
//	configured [NAME] [JSON]      the instance is known already, with more parameters of
//	                              gitlabSM/configure in JSON
//	signed-in USER [NAME] [by-token]
//	                              the user is signed in already, through the browser or
//	                              by a personal access token; this implies configured
//	editor OPTION…                what initialize says: no-progress, no-showDocument,
//	                              browser none|system|editor, workspace (a folder is open
//	                              though the script has no files), options JSON
//	                              (initializationOptions)
//	window N options JSON         initializationOptions of one window, beside the editor's
//	windows N [apart]             so many editors with an agent each and one data
//	                              directory, or apart: as on so many machines; default 1
//	no-initialize                 the script sends initialize itself
//	violations expected           the fakes may find fault with the requests
//
// A gitlab is named gitlab unless it says otherwise. NAME always means the first
// gitlab where it is left out. Its options are
//
//	user NAME          a person with an account there, default sam; may be repeated
//	root /PATH         a relative URL root
//	version V          what it says of itself, and how it behaves: as that version
//	token-lifetime D   how long an access token lives, such as 1s, or never
//	ipv6               at [::1]; where the machine has no IPv6 the script is skipped
//	tls                https with a certificate that nobody trusts; "configured" says where it is
//	scopes A,B         of the application, default api
//	public             the application has no secret
//	trusted            GitLab does not ask the user for consent
//	redirect URI       registered with the application; may be repeated
//	device-interval D  how often a device may ask; GitLab's is 5s
//	device-lifetime D  how long a device code lives
//	redirect-errors    errors at authorize go to the redirect URI, as in newer Doorkeepers
//
// and it sets the variables ${NAME}, the base URL and so the id of the instance,
// and ${NAME.host}, ${NAME.user}, ${NAME.clientId}, ${NAME.clientSecret},
// ${NAME.redirect}, ${NAME.caFile} (with tls), and ${NAME.pat}, a personal access
// token of the first user with the scope api; ${NAME.pat.read_user} and so on for
// read_api, read_user and read_repository.
//
// A registry is named registry unless it says otherwise. It sets the variables
// ${NAME.url}, and ${NAME.maintainer} and ${NAME.member}: the credentials files of
// a maintainer and of a member, with the team's key.
//
// What is "already" so was done through the protocol, by an agent that has ended
// when the session begins. Then each window sends initialize and initialized, and
// after the last step shutdown and exit, without a line in the script. With
// no-initialize all that is the script's; stdin is closed at the end of one that
// does not end its agents.
//
// # The editor speaks
//
//	-> ID METHOD [JSON]                   a request; the ID is an integer or a "string"
//	-> METHOD [JSON]                      a notification
//	-> reply ID-OR-METHOD result JSON     the answer to the agent's request, where the
//	-> reply ID-OR-METHOD error CODE "…"  editor answers by hand; by METHOD: the oldest
//	-> frame TEXT                         a frame with TEXT as its body, JSON or not
//	-> bytes "GO STRING"                  bytes without a frame
//	-> padding N                          N spaces without a frame
//
// "->2" is the editor of window 2, and so on up to 9. JSON goes out exactly as it
// stands in the script.
//
// # The agent speaks
//
//	<- METHOD [PATTERN]            a notification, or a request, which the editor answers
//	<- ID result [PATTERN]         a response; the ID may be null
//	<- ID error NAME [PATTERN]     an error; PATTERN is for its data
//	<=                             as "<-"; a run of these may come in any order
//
// In each window every message has to be the one that the next line asks for. Only
// window/logMessage, $/logTrace, $/cancelRequest and gitlabSM/didChangeStatus are
// passed over where no line asks for them.
// After the last step nothing may be left. That code and name of an error agree
// is always checked, and so is that every message is as package protocol declares
// it: no unknown field, none missing, no null for a list.
//
// # The world
//
//	! browser approves [USER]          the newest sign-in that a step has seen start is
//	! browser denies [USER]            followed to its last page, while the script goes on
//	! browser approves [USER] until callback
//	                                   only up to the redirect URI, now in ${callbackUrl};
//	                                   "denies" too
//	! browser enters the code [USER] [and denies]
//	                                   of the newest sign-in on a device, at the address that
//	                                   the agent tells, and approves
//	! browser calls back [HTTP-METHOD] [host NAME] [path PATH] [QUERY]
//	                                   a request to the redirect URI, from whomever
//	! browser opens URL
//	! relay sends the browser on       a relay at the redirect URI, to which a browser came
//	                                   with ${callbackUrl}
//	! page STATUS [contains TEXT…] [lacks TEXT…]
//	                                   waits for the page on which a browser ends: that of
//	                                   the first browser not yet asked for
//	! page header NAME TEXT            the same page has TEXT in a header
//	! page unreachable                 the browser gets no page
//
//	! gitlab revokes USER              as the user can on their profile page
//	! gitlab expires USER              as time does
//	! gitlab makes NAME for USER [scopes A,B] [days N]
//	                                   a personal access token, now in ${NAME}; by default
//	                                   with the scope api, and without an end
//	! gitlab revokes token TOKEN       and "expires token"
//	! gitlab blocks USER               as an administrator can
//	! gitlab renews the secret         the new one is in ${gitlab.clientSecret}
//	! gitlab upgrades to VERSION
//	! gitlab goes down                 and "comes up"; so does a registry
//	! registry has the record RECORD of INSTANCE
//	                                   somebody's other program has put it there
//	! registry loses its data          and is down, as after the loss of a disk
//	! gitlab fault ENDPOINT WHAT… [times N]
//	                                   WHAT: status N, body TEXT, type TYPE, rate-limit
//	                                   SECONDS, delay D, drop-before, drop-after, html, hold,
//	                                   header NAME VALUE (of an answer that may be right);
//	                                   ENDPOINT as in package providertest
//	! gitlab release                   answers that "hold" holds
//	! gitlab recovers                  from all faults
//	! gitlab awaits METHOD PATH [N]    until the Nth such request since the session began
//	! gitlab counts METHOD PATH N      so many such requests since the session began
//
//	! credentials FILE are those of a ROLE [with another key|without a key|for URL]
//	                                   a registry's credentials file is written anew; ROLE is
//	                                   maintainer or member, URL the only registry that it is for
//
//	! store expires USER               the tokens seem to have ended an hour ago, as after
//	                                   a laptop's sleep
//	! store version old                the versions seem to have been seen two days ago
//	! store locked                     by another program, until "unlocked"
//	! store damaged
//	! store key lost                   agents that have used it still know it
//	! file PATH PATTERN                a file in the workspace is JSON like that
//	! file PATH absent
//	! writes PATH TEXT               a file in the workspace, as its user does or git: TEXT is
//	                                 the rest of the line, or a quoted word
//	! links PATH TARGET              a symbolic link in the workspace
//	! removes PATH                   a file or folder in the workspace
//
//	! editor answers METHOD by hand    from now on, in every window
//	! editor answers METHOD result JSON
//	! editor answers METHOD error CODE "…"
//	! restart [WINDOW]                 shutdown, exit, and a new agent
//	! kill [WINDOW]
//	! start [WINDOW]
//	! closes stdin [WINDOW]            the agent may then still say what no line asks for
//	! exits STATUS [WINDOW]            waits until the agent has ended by itself
//
// Another instance goes by its own name: "! other goes down". A word with spaces
// in it is quoted as in Go.
//
// # Patterns
//
// A pattern is JSON. Objects have at least the fields of the pattern, arrays
// exactly its elements, and all else is equal. In strings there can be
//
//	${any}            anything; as a whole string, any JSON value
//	${string}         one character or more
//	${number}         a number; as a whole string, a JSON number
//	${port}           a port
//	${time}           RFC 3339 in UTC
//	${contains:TEXT}  TEXT somewhere in it
//	${bind:NAME}      a string or a number that becomes the variable NAME; where that
//	                  has a value already, just that
//	${absent}         as a whole string: the field is not there
//	${rest}           as the last element of an array: any elements, or none
//
// Variables may stand in every line, ${gitlab} as well as inside a pattern:
// "${contains:${gitlab}/oauth}". Besides those of the setup there are ${dataDir},
// ${workspace}, ${workspaceUri}, and of the newest sign-in ${state},
// ${authorizeUrl} and ${redirectUri}.
//
// # What is always checked
//
// No secret of the fakes, and no other that was sent to them, is in a frame (but
// as the accessToken of gitlabSM/token), on stderr, in a file, or on a page that a
// browser ended on. The fakes have no violations to report. stdout carries frames
// only. Every agent ends when it should, with the status that it should.
//
// # Running them
//
// [Run] plays each script with each [Launcher], as the subtest SCRIPT/LAUNCHER:
//
//	go test ./agent -run TestSessions/sign-in/in-process
//	go test ./agent -run TestSessions -update
//
// With -update, lines after "<-" that do not match are rewritten to what was
// received: what is right in a pattern stays, the values of variables become
// variables again, times ${time} and ports ${port}. Messages that no line asks for
// are added at the end. So a new script can be written without its "<-" lines; read
// what you get before you believe it. A step may take ten seconds, or what
// $SESSIONTEST_TIMEOUT says; nothing sleeps, so waiting is only for what fails.
//
// [Editor] can be had without a script: for a program that talks to an agent, or
// for a test that has to compute its next step.
//
// # The way through the code
//
// Package protocol/script reads the language, for the reference page too; run.go
// finds the scripts and session.go plays one. window.go is an editor with its
// agent (editor.go, process.go), world.go all the rest (setup.go and usher.go read
// the setup and start it, outside.go, browser.go, storesteps.go and workspace.go
// read the steps after "!" and change it). expect.go compares what came, by pattern.go;
// secrets.go and conform.go look at everything once more at the end. Start at
// [script.Script] and [Run].
package sessiontest
