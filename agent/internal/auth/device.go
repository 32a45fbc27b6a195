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

	// maxInterval bounds what is waited between polls, whoever asks for it.
	maxInterval = time.Minute
)

// What the token endpoint answers while a device waits (RFC 8628 section 3.5).
var (
	errPending = errors.New("auth: authorization_pending")
	errSlow    = errors.New("auth: slow_down")
	errExpired = errors.New("auth: expired_token")
	errDenied  = errors.New("auth: access_denied")
)

var deviceErrors = map[string]error{
	"authorization_pending": errPending, "slow_down": errSlow, "expired_token": errExpired, "access_denied": errDenied,
}

// SignInByDevice signs a user in who has no browser on this machine: GitLab shows a
// page, on whatever device, at which they enter a short code (RFC 8628). It waits
// for the user, and saves the account before it returns.
//
// A cancelled ctx ends the wait. Tokens that GitLab has issued by then are saved
// all the same.
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
	ctx, stop := context.WithTimeoutCause(ctx, wait, deviceTimedOut(in, wait))
	defer stop()
	g, err := m.poll(ctx, app, d)
	if err != nil {
		if !g.access.IsEmpty() {
			m.discard(ctx, app, g)
		}
		return store.Account{}, deviceError(in, err, wait)
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

// authorizeDevice asks for a device code, and notes whether the instance has the
// grant at all.
func (m *Manager) authorizeDevice(ctx context.Context, app *application, in store.Instance) (device, error) {
	d, err := app.authorizeDevice(ctx)
	lacks := errors.Is(err, protocol.UnsupportedVersion)
	if (err == nil || lacks) && lacks != in.NoDeviceGrant {
		noteErr := m.Store.Update(func(tx *store.Tx) error { return tx.SetNoDeviceGrant(in.ID, lacks) })
		if noteErr != nil {
			m.Log.Warn("whether the instance has the device grant could not be noted", "instance", in.ID, "error", noteErr)
		}
		m.Changed() // the methods have
	}
	if lacks {
		return d, m.noDeviceGrant(in)
	}
	return d, err
}

// authorizeDevice asks for a device code (RFC 8628 section 3.1). It returns
// UnsupportedVersion where the server has no endpoint for that.
func (a *application) authorizeDevice(ctx context.Context) (device, error) {
	answer, err := a.post(ctx, a.device, url.Values{"scope": {strings.Join(a.config.Scopes, " ")}})
	switch {
	case err != nil:
		return device{}, err
	case answer.status == http.StatusNotFound:
		return device{}, protocol.UnsupportedVersion
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

// poll asks for the tokens until the user has decided.
func (m *Manager) poll(ctx context.Context, app *application, d device) (grant, error) {
	interval := d.interval
	for {
		select {
		case <-m.After(interval):
		case <-m.closing:
			return grant{}, context.Canceled
		case <-ctx.Done():
			return grant{}, context.Cause(ctx)
		}
		// What is sent is waited for: it may bring the tokens, and only once.
		sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), providers.Timeout)
		g, err := app.token(sending, url.Values{"grant_type": {deviceGrantType}, "device_code": {d.code.Reveal()}})
		cancel()
		next, goOn := pollAgain(err, interval)
		if !goOn {
			return g, err
		}
		m.Log.Debug("the user has not decided yet", "instance", app.instance, "error", err, "again", next)
		interval = next
	}
}

// pollAgain says whether to ask again after an answer, and after how long. Where
// there was none, asking less often is what section 3.5 of RFC 8628 wants.
func pollAgain(err error, interval time.Duration) (next time.Duration, goOn bool) {
	var told *protocol.Error
	switch {
	case errors.Is(err, errPending):
		return interval, true
	case errors.Is(err, errSlow):
		return min(interval+slowDown, maxInterval), true
	case errors.Is(err, protocol.RateLimited) && errors.As(err, &told):
		return min(max(told.RetryAfter, 2*interval), maxInterval), true
	case errors.Is(err, protocol.HostUnreachable), errors.As(err, &told) && told.Status >= 500:
		return min(2*interval, maxInterval), true
	}
	return 0, false
}

// deviceError puts the end of a wait into words.
func deviceError(in store.Instance, err error, wait time.Duration) error {
	switch {
	case errors.Is(err, errDenied):
		return denied(in, "access was denied on GitLab's page")
	case errors.Is(err, errExpired):
		return deviceTimedOut(in, wait)
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

func deviceTimedOut(in store.Instance, after time.Duration) error {
	return &protocol.Error{
		Code:     protocol.SignInTimeout,
		Message:  "nobody entered the code within " + after.Round(time.Second).String(),
		Hint:     "Sign in again, and enter the new code at the address that comes with it.",
		Instance: in.ID,
	}
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
		d.interval = min(interval, maxInterval)
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
