package agent

import (
	"context"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	// defaultSignInTimeout is how long a sign-in waits for the user, and
	// MaxSignInTimeout the most that an editor may ask for.
	defaultSignInTimeout = 300 * time.Second
	MaxSignInTimeout     = time.Hour
)

func (a *Agent) authenticate(ctx context.Context, p protocol.AuthenticateParams) (protocol.AuthenticateResult, error) {
	a.seen(secret.New(p.Token))
	s, err := a.ready()
	if err != nil {
		return protocol.AuthenticateResult{}, err
	}
	timeout, err := checkAuthenticate(p)
	if err != nil {
		return protocol.AuthenticateResult{}, err
	}
	in, err := s.team.Resolve(p.Instance)
	if err == nil && p.Approve != "" {
		in, err = s.approveShown(in, p.Approve)
	}
	if err != nil {
		return protocol.AuthenticateResult{}, err
	}
	if p.Method == protocol.MethodToken && !in.NeedsApproval { // nobody is waited for
		return a.signInWithToken(ctx, s, in, p)
	}
	ctx, progress := a.beginProgress(ctx, p.WorkDoneToken, "Sign in to "+titleOf(in), firstWait(in, p.Method))
	account, err := a.signIn(ctx, s, in, timeout, p, progress)
	if err != nil {
		progress.end(wireError(err).Message)
		return protocol.AuthenticateResult{}, err
	}
	progress.end("Signed in as " + account.Account.User.Username)
	return account, nil
}

// titleOf is what an instance is called. What a stranger calls it does not count.
func titleOf(in team.Instance) string {
	if in.NeedsApproval {
		return in.ID
	}
	return in.Name
}

// firstWait says what a sign-in begins with.
func firstWait(in team.Instance, method protocol.AuthMethod) string {
	switch {
	case in.NeedsApproval:
		return "Waiting for you to say whether it may be used"
	case method == protocol.MethodDevice:
		return "Asking GitLab for a code"
	}
	return "Waiting for you in the browser"
}

// signIn signs in to an instance, once the user has let it be used. All that waits
// for them ends within the timeout.
func (a *Agent) signIn(ctx context.Context, s *session, in team.Instance, timeout time.Duration, p protocol.AuthenticateParams, progress *progress) (protocol.AuthenticateResult, error) {
	if err := ctx.Err(); err != nil { // cancelled while the editor thought about the progress
		return protocol.AuthenticateResult{}, err
	}
	if in.NeedsApproval {
		began := time.Now()
		waiting, stop := context.WithTimeoutCause(ctx, timeout, notAnswered(in, timeout))
		defer stop()
		var err error
		if in, err = a.approved(waiting, s, in); err != nil {
			return protocol.AuthenticateResult{}, err
		}
		timeout = max(timeout-time.Since(began).Truncate(time.Second), time.Second)
	}
	if p.Method == protocol.MethodToken {
		return a.signInWithToken(ctx, s, in, p)
	}
	return a.signInAtGitLab(ctx, s, in, timeout, p.Method, progress)
}

// signInAtGitLab sends the user to GitLab, by the method browser or device, and
// waits until they have approved there.
func (a *Agent) signInAtGitLab(ctx context.Context, s *session, in team.Instance, timeout time.Duration, method protocol.AuthMethod, progress *progress) (protocol.AuthenticateResult, error) {
	signIn := s.auth.SignIn
	if method == protocol.MethodDevice {
		signIn = s.auth.SignInByDevice
	}
	away, back := context.WithCancel(ctx) // while the user is in the browser
	defer back()
	// An editor that still thinks about opening the browser is told when the sign-in
	// was given up, but not when the user has come back from there.
	question, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	settled := context.AfterFunc(ctx, giveUp)
	account, err := signIn(ctx, in.Instance, auth.SignInOptions{
		Timeout: timeout,
		Started: func(started protocol.DidStartAuthenticationParams, open string) {
			if started.UserCode != "" {
				progress.report("Enter the code " + started.UserCode + " at " + started.VerificationURI)
			}
			if err := tell(ctx, editorOf(ctx), protocol.DidStartAuthentication, started); err != nil {
				a.log.Warn("the start of a sign-in was not told", "error", err)
			}
			if open != "" {
				a.dispatcher.work.Go(func() { a.openBrowser(away, question, open) })
			}
		},
		Returned: func() {
			settled()
			back()
			progress.report("Finishing the sign-in")
		},
	})
	if err != nil {
		return protocol.AuthenticateResult{}, a.withoutSecrets(err)
	}
	return protocol.AuthenticateResult{Account: describeAccount(account), Warnings: orEmpty(s.versionWarnings(in))}, nil
}

// versionWarnings are those of the version that an instance has just told at a
// sign-in.
func (s *session) versionWarnings(in team.Instance) []string {
	known, err := s.team.Resolve(in.ID)
	if err != nil { // removed meanwhile
		return nil
	}
	return s.auth.Warnings(known.Instance)
}

func checkAuthenticate(p protocol.AuthenticateParams) (timeout time.Duration, err error) {
	switch p.Method {
	case "", protocol.MethodBrowser, protocol.MethodDevice, protocol.MethodToken:
	default:
		return 0, invalidParams("method %q is none; there are %q, %q and %q", p.Method, protocol.MethodBrowser, protocol.MethodDevice, protocol.MethodToken)
	}
	if p.Token != "" && p.Method != protocol.MethodToken {
		return 0, invalidParams("token goes with method %q only", protocol.MethodToken)
	}
	switch longest := int(MaxSignInTimeout.Seconds()); {
	case p.TimeoutSeconds == 0:
		return defaultSignInTimeout, nil
	case p.TimeoutSeconds < 0 || p.TimeoutSeconds > longest:
		return 0, invalidParams("timeoutSeconds is %d; it can be 1 to %d", p.TimeoutSeconds, longest)
	}
	return time.Duration(p.TimeoutSeconds) * time.Second, nil
}

// openBrowser brings the user to GitLab: through the editor, which alone has a
// browser over SSH, in WSL and in containers, else from here. ctx ends when the
// user need not go there any more, question when the editor need not answer.
func (a *Agent) openBrowser(ctx, question context.Context, url string) {
	a.mu.Lock()
	c, mode := a.client, a.options.Browser
	a.mu.Unlock()
	if mode == protocol.BrowserNone {
		return
	}
	if mode != protocol.BrowserSystem && c.capabilities.ShowDocument.Support {
		shown, err := ask(question, c.editor, protocol.ShowDocument, protocol.ShowDocumentParams{URI: url, External: true, TakeFocus: true})
		if err == nil && shown.Success || ctx.Err() != nil {
			return
		}
		a.log.Info("the editor did not open the browser", "error", err)
	}
	if err := a.config.OpenBrowser(ctx, url); err != nil && ctx.Err() == nil {
		a.log.Warn("the browser could not be opened", "error", err)
		a.showMessage(protocol.MessageWarning, "The browser could not be opened. Open this address to sign in: "+url)
	}
}

func (a *Agent) completeAuthentication(_ context.Context, p protocol.CompleteAuthenticationParams) (protocol.CompleteAuthenticationResult, error) {
	a.seenCallback(p.CallbackURL)
	s, err := a.ready()
	if err != nil {
		return protocol.CompleteAuthenticationResult{}, err
	}
	return protocol.CompleteAuthenticationResult{}, s.auth.Complete(p.CallbackURL)
}
