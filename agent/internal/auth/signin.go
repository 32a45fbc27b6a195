package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// exchangeTimeout bounds what follows the callback: the exchange, and the
// question who the user is.
const exchangeTimeout = providers.Timeout

// SignInOptions are what the caller wants to say and to hear.
type SignInOptions struct {
	// Timeout is how long to wait for the user.
	Timeout time.Duration
	// Started is called once the user can be waited for, with where they have to go.
	// open is what to open in their browser, "" for nothing. It must not wait for the
	// user.
	Started func(p protocol.DidStartAuthenticationParams, open string)
	// Returned is called when the user came back from the browser.
	Returned func()
}

// SignIn signs a user in through their browser: authorization code with PKCE
// (RFC 6749 section 4.1, RFC 7636), the redirect coming back to a listener on
// this machine (RFC 8252 section 7.3) or by [Manager.Complete]. It waits for the
// user, and saves the account before it returns.
//
// A cancelled ctx ends the wait; once the user has come back it no longer does,
// since the code can be used only once.
//
// Errors: SignInDenied, SignInTimeout, InvalidClient, InvalidRedirect,
// InvalidScope, those of the network, and ctx's cause.
func (m *Manager) SignIn(ctx context.Context, in store.Instance, o SignInOptions) (store.Account, error) {
	if in.ClientID == "" {
		return store.Account{}, noApplication(in)
	}
	// The wait ends with the request; the page outlives it by a moment.
	ctx, cancelWait := context.WithCancelCause(ctx)
	lingering, cancelPage := context.WithCancelCause(context.WithoutCancel(ctx))
	cancel := func(cause error) {
		cancelWait(cause)
		cancelPage(cause)
	}
	if err := m.checkPort(in); err != nil {
		return store.Account{}, err
	}
	s := &signIn{
		instance: in,
		state:    rand.Text(),
		verifier: oauth2.GenerateVerifier(),
		cancel:   cancel,
		gone:     make(chan struct{}),
		callback: make(chan url.Values, 1),
	}
	if err := m.pending.replace(ctx, s); err != nil {
		cancel(nil)
		return store.Account{}, err
	}
	end := func() {
		cancel(nil)
		m.unnote(s)
		m.pending.remove(s)
	}
	listeners, redirect, err := listenFor(in.RedirectURI)
	if err != nil {
		end()
		return store.Account{}, protocol.WithInstance(err, in.ID)
	}
	s.redirect, s.local = redirect, redirect
	if redirect.Scheme == "https" {
		s.comeByRelay(listeners[0])
	}
	m.Seen(secret.New(s.state))
	m.Seen(secret.New(s.verifier))
	if len(listeners) == 0 {
		defer end()
		return m.await(ctx, s, o)
	}
	page := serveCallback(listeners, s)
	result := outcome{instance: in, err: errPanicked}
	defer func() { // also where await panics: the browser waits, and the next sign-in would
		page.conclude(result)
		linger := func() {
			defer end()
			page.linger(lingering, m.closing)
		}
		if !s.hasBrowser() || !m.work.Go(linger) {
			linger() // ends at once: nobody waits for a page, or the process ends
		}
	}()
	result.account, result.err = m.await(ctx, s, o)
	return result.account, result.err
}

// await sends the user off, waits for the callback, and turns it into an account.
func (m *Manager) await(ctx context.Context, s *signIn, o SignInOptions) (store.Account, error) {
	defer s.finish()
	app, err := m.application(s.instance, s.redirect.String())
	if err != nil {
		return store.Account{}, err
	}
	m.note(s, o.Timeout)
	authorizeURL := app.config.AuthCodeURL(s.state, oauth2.S256ChallengeOption(s.verifier))
	o.Started(protocol.DidStartAuthenticationParams{
		Instance:     s.instance.ID,
		Method:       protocol.MethodBrowser,
		AuthorizeURL: authorizeURL,
		RedirectURI:  s.redirect.String(),
		ExpiresAt:    m.Now().Add(o.Timeout).UTC().Truncate(time.Second),
	}, authorizeURL)
	m.Log.Debug("a sign-in waits for the user", "instance", s.instance.ID, "redirectUri", s.redirect.String(), "for", o.Timeout)
	timeout := time.NewTimer(o.Timeout)
	defer timeout.Stop()
	select {
	case query := <-s.callback:
		s.finish()
		m.Log.Debug("the user came back from the browser", "instance", s.instance.ID)
		o.Returned()
		return m.accept(ctx, app, s, query)
	case <-timeout.C:
		return store.Account{}, m.timedOut(s.instance, o.Timeout)
	case <-m.closing:
		return store.Account{}, context.Canceled
	case <-ctx.Done():
		return store.Account{}, context.Cause(ctx)
	}
}

// accept trades the callback for tokens, asks whose they are, and saves them.
func (m *Manager) accept(ctx context.Context, app *application, s *signIn, query url.Values) (store.Account, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
	defer cancel()
	code, err := codeOf(s.instance, query)
	if err != nil {
		return store.Account{}, err
	}
	m.Seen(secret.New(code))
	g, err := app.exchange(ctx, code, s.verifier)
	if errors.Is(err, errInvalidRequest) {
		// GitLab 12.8 to 13.7 refuse every code that comes with a verifier. Nothing is
		// given away: one that knows the challenge refuses a code without its verifier.
		m.Log.Info("GitLab refuses the code with its verifier; it is sent without", "instance", s.instance.ID)
		g, err = app.exchange(ctx, code, "")
	}
	if errors.Is(err, errInvalidGrant) {
		err = &protocol.Error{
			Code:     protocol.GitLabError,
			Message:  "GitLab did not accept the code that its own page sent back",
			Hint:     "Start the sign-in again. Codes live ten minutes, so approve without a long pause.",
			Instance: s.instance.ID,
			Status:   http.StatusBadRequest,
		}
	}
	var account store.Account
	if err == nil {
		account, err = m.adopt(ctx, app, s.instance, protocol.MethodBrowser, g)
	}
	if err != nil && !g.access.IsEmpty() {
		m.discard(ctx, app, g)
	}
	return account, err
}

// codeOf reads the query of a callback (RFC 6749 sections 4.1.2 and 4.1.2.1).
func codeOf(in store.Instance, query url.Values) (string, error) {
	switch code := query.Get("error"); code {
	case "":
		if len(query["code"]) == 1 && query.Get("code") != "" {
			return query.Get("code"), nil
		}
		return "", rejected("it carries neither one code nor an error")
	case "access_denied":
		return "", denied(in, "access was denied in the browser")
	case "invalid_scope":
		return "", invalidScope(in.ID, in.Scopes)
	case "invalid_client", "unauthorized_client":
		return "", invalidClient(in.ID, "GitLab does not accept the application: "+oauthError(code, query.Get("error_description")))
	case "invalid_redirect_uri":
		return "", protocol.WithInstance(invalidRedirect("GitLab does not know this redirect URI", RegisteredRedirect(in.RedirectURI)), in.ID)
	default:
		return "", &protocol.Error{
			Code:     protocol.GitLabError,
			Message:  "GitLab ended the sign-in: " + oauthError(code, query.Get("error_description")),
			Hint:     "Try again. If it goes on, show this to the administrator of the GitLab instance.",
			Instance: in.ID,
		}
	}
}

func denied(in store.Instance, problem string) error {
	return &protocol.Error{
		Code:     protocol.SignInDenied,
		Message:  problem,
		Hint:     "Sign in again and press Authorize, if you want the editor to use GitLab.",
		Instance: in.ID,
	}
}

// timedOut names the pages of GitLab on which a sign-in can end without ever
// coming back.
func (m *Manager) timedOut(in store.Instance, after time.Duration) error {
	redirect := RegisteredRedirect(in.RedirectURI)
	port := ""
	if fixed, free := withFixedPort(in.RedirectURI); free && in.Version == "" {
		port = " A GitLab before " + m.Provider.Since(providers.LoopbackPort) + " compares the port too: " + portCure(fixed)
	} else if free && m.Provider.Lacks(in.Version, providers.LoopbackPort) {
		redirect, port = fixed, " "+m.comparesPort(in)+": "+portCure(fixed)
	}
	return &protocol.Error{
		Code:    protocol.SignInTimeout,
		Message: fmt.Sprintf("nobody came back from the browser within %v", after),
		Hint: "Sign in again. If GitLab showed an error instead of asking you: " +
			"\"Client authentication failed\" means that the application ID is wrong; " +
			"\"The redirect URI included is not valid\" that the application lacks the redirect URI " + redirect + "; " +
			"\"The requested scope is invalid\" that it lacks a scope. " +
			"An unconfirmed e-mail address, an administrator's account where admin scopes are disabled, " +
			"and a closed SAML sign-in end there too." + port,
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{RedirectURI: redirect},
	}
}
