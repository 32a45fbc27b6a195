package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// deviceGrantType is RFC 8628's, section 3.4.
	deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

	// defaultInterval is between polls where the server names none, and slowDown what
	// each request to slow down adds (RFC 8628 sections 3.2 and 3.5).
	defaultInterval = 5 * time.Second
	slowDown        = 5 * time.Second

	// maxBackOff bounds what is waited after failures of the network: whoever is back
	// in it does not want to wait for long.
	maxBackOff = 30 * time.Second
)

// What the OAuth endpoints answer to a device (RFC 8628 section 3.5). Each is the
// cause of an error that says it in words, for whoever does not look for it: a
// server can give such an answer to a refresh too.
var (
	errPending     = errors.New("auth: authorization_pending")
	errSlow        = errors.New("auth: slow_down")
	errExpired     = errors.New("auth: expired_token")
	errDenied      = errors.New("auth: access_denied")
	errUnsupported = errors.New("auth: unsupported_grant_type")
)

// deviceErrors are OAuth's words for them. unsupported_response_type is Doorkeeper's
// where the grant is not turned on.
var deviceErrors = map[string]error{
	"authorization_pending": errPending, "slow_down": errSlow, "expired_token": errExpired, "access_denied": errDenied,
	"unsupported_grant_type": errUnsupported, "unsupported_response_type": errUnsupported,
}

// SignInByDevice signs a user in who has no browser on this machine: GitLab shows a
// page, on whatever device, at which they enter a short code (RFC 8628). It waits
// for the user, and saves the account before it returns.
//
// A cancelled ctx ends the wait at once. Tokens that GitLab issues at that moment
// are revoked; once they have arrived here, the sign-in is finished.
//
// Errors: UnsupportedVersion where GitLab has no such grant, SignInDenied,
// SignInTimeout, InvalidClient, InvalidScope, those of the network, and ctx's cause.
func (m *Manager) SignInByDevice(ctx context.Context, in store.Instance, o SignInOptions) (store.Account, error) {
	if in.ClientID == "" {
		return store.Account{}, noApplication(in)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s := &signIn{instance: in, cancel: cancel, gone: make(chan struct{})}
	defer cancel(nil)
	if err := m.pending.replace(ctx, s); err != nil {
		return store.Account{}, err
	}
	defer m.pending.remove(s)
	defer s.finish()
	app, err := m.application(in, "")
	if err != nil {
		return store.Account{}, err
	}
	d, err := m.authorizeDevice(ctx, app, in)
	if err != nil {
		return store.Account{}, err
	}
	wait := o.Timeout
	if d.life > 0 {
		wait = min(wait, d.life)
	}
	o.Started(protocol.DidStartAuthenticationParams{
		Instance:                in.ID,
		Method:                  protocol.MethodDevice,
		VerificationURI:         d.page,
		VerificationURIComplete: d.pageWithCode,
		UserCode:                d.userCode,
		ExpiresAt:               m.Now().Add(wait).UTC().Truncate(time.Second),
	}, d.toOpen(in.ID))
	ctx, stop := context.WithTimeoutCause(ctx, wait, errOutOfTime)
	defer stop()
	g, err := m.poll(ctx, app, d)
	if err != nil {
		if errors.Is(err, errUnsupported) {
			m.learnDevice(in, true)
		}
		return store.Account{}, m.deviceError(in, err, wait)
	}
	s.finish()
	o.Returned()
	saving, cancelSaving := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
	defer cancelSaving()
	account, err := m.adopt(saving, app, in, protocol.MethodDevice, g)
	if err != nil {
		m.discard(saving, app, g)
	}
	return account, err
}

// CheckScopes asks GitLab whether the application may have the instance's scopes, by
// asking for a device code, which nobody enters and which ends by itself within
// minutes. Client and scopes are looked at first (the gem
// doorkeeper-device_authorization_grant, DeviceAuthorizationRequest). Errors:
// InvalidScope, UnsupportedVersion where GitLab has no such grant and so cannot be
// asked, InvalidClient, and those of the network.
func (m *Manager) CheckScopes(ctx context.Context, in store.Instance) error {
	app, err := m.application(in, "")
	if err != nil {
		return err
	}
	_, err = m.authorizeDevice(ctx, app, in)
	return err
}

// authorizeDevice asks for a device code, and notes whether the instance has the
// grant at all.
func (m *Manager) authorizeDevice(ctx context.Context, app *application, in store.Instance) (device, error) {
	d, err := app.authorizeDevice(ctx)
	switch {
	case errors.Is(err, errUnsupported):
		m.learnDevice(in, true)
		return d, m.noDeviceGrant(in)
	case err == nil:
		m.learnDevice(in, false)
	}
	return d, err
}

// learnDevice notes whether the instance lacks the grant: the methods that editors
// offer depend on it.
func (m *Manager) learnDevice(in store.Instance, lacks bool) {
	err := m.Store.Update(func(tx *store.Tx) error { return tx.SetNoDeviceGrant(in.ID, lacks) })
	if err != nil {
		m.Log.Warn("whether the instance has the device grant could not be noted", "instance", in.ID, "error", err)
	}
	m.Changed()
}

// authorizeDevice asks for a device code (RFC 8628 section 3.1). It returns
// errUnsupported where the server has no endpoint for that, or has it turned off.
func (a *application) authorizeDevice(ctx context.Context) (device, error) {
	answer, err := a.post(ctx, a.device, url.Values{"scope": {strings.Join(a.config.Scopes, " ")}})
	switch {
	case err != nil:
		return device{}, err
	case answer.status == http.StatusNotFound:
		return device{}, errUnsupported
	case answer.status != http.StatusOK:
		return device{}, a.refusal(answer)
	}
	d, err := readDevice(answer.body)
	if err != nil {
		return device{}, a.notAnAnswer(a.device)
	}
	a.seen(d.code)
	return d, nil
}

// deviceError puts the end of a wait into words.
func (m *Manager) deviceError(in store.Instance, err error, wait time.Duration) error {
	switch {
	case errors.Is(err, errDenied):
		return denied(in, "access was denied on GitLab's page")
	case errors.Is(err, errExpired), errors.Is(err, errOutOfTime):
		return deviceTimedOut(in, wait, err)
	case errors.Is(err, errUnsupported):
		return m.noDeviceGrant(in)
	case errors.Is(err, errInvalidGrant):
		return &protocol.Error{
			Code:     protocol.GitLabError,
			Message:  "GitLab no longer knows the code that it gave",
			Hint:     "Start the sign-in again.",
			Instance: in.ID,
			Status:   http.StatusBadRequest,
		}
	}
	return err
}

// deviceTimedOut is the error where nobody entered the code in time, or where at the
// end GitLab could not be asked whether somebody did.
func deviceTimedOut(in store.Instance, after time.Duration, err error) error {
	e := &protocol.Error{
		Code:     protocol.SignInTimeout,
		Message:  "nobody entered the code within " + after.Round(time.Second).String(),
		Hint:     "Sign in again, and enter the new code at the address that comes with it.",
		Instance: in.ID,
	}
	var last *protocol.Error
	if errors.Is(err, errOutOfTime) && errors.As(err, &last) {
		e.Message = "the code could not be waited for to its end: " + last.Message
		e.Hint, e.Details = last.Hint, last.Details
	}
	return e
}

// noDeviceGrant names the ways that work where this one does not.
func (m *Manager) noDeviceGrant(in store.Instance) error {
	since := m.Provider.Since(providers.DeviceGrant)
	in.NoDeviceGrant = true
	return &protocol.Error{
		Code:    protocol.UnsupportedVersion,
		Message: in.ID + " has no device authorization grant, which came with GitLab " + since,
		Hint: `Sign in with the method "browser": where no browser is on this machine, open the address in any, and paste the one at which it stops (gitlabSM/completeAuthentication). ` +
			`Or with the method "token".`,
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{Methods: Methods(in), Version: in.Version, NeedsVersion: since},
	}
}

// device is what a device authorization endpoint answers (RFC 8628 section 3.2).
type device struct {
	code               secret.Text
	userCode           string
	page, pageWithCode string // of the verification; pageWithCode may be empty
	life               time.Duration
	interval           time.Duration
}

// maxUserCode is the length of the longest code that a person would enter.
const maxUserCode = 64

func readDevice(body []byte) (device, error) {
	fields, err := members(body)
	if err != nil {
		return device{}, err
	}
	code, codeErr := text(fields["device_code"])
	userCode, userErr := text(fields["user_code"])
	page, pageErr := text(fields["verification_uri"])
	complete, completeErr := text(fields["verification_uri_complete"])
	if err := errors.Join(codeErr, userErr, pageErr, completeErr); err != nil {
		return device{}, errNoGrant
	}
	if !isToken(code) || !isToken(userCode) || len(userCode) > maxUserCode || !isWebPage(page) || complete != "" && !isWebPage(complete) {
		return device{}, errNoGrant
	}
	d := device{code: secret.New(code), userCode: userCode, page: page, pageWithCode: complete, interval: defaultInterval, life: readLife(fields["expires_in"])}
	if interval := readLife(fields["interval"]); interval > 0 {
		d.interval = interval
	}
	return d, nil
}

func isWebPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(address) <= maxToken
}

// toOpen returns the page to open in the browser: only one of the instance itself.
// An address elsewhere, be it GitLab's own name for itself or a stranger's, is for
// the user to judge.
func (d device) toOpen(instance string) string {
	for _, page := range []string{d.pageWithCode, d.page} {
		if u, err := url.Parse(page); err == nil && page != "" && providers.IsBelow(u, instance) {
			return page
		}
	}
	return ""
}
