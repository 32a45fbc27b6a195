package providertest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// deviceSlowDown is by how much each slow_down lengthens the interval (RFC 8628,
// section 3.5).
const deviceSlowDown = 5 * time.Second

// deviceLifetime is how long a device code lives at GitLab.
const deviceLifetime = 5 * time.Minute

// deviceGrantType is RFC 8628's, section 3.4.
const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

// A deviceGrant is a device code and what became of it (RFC 8628).
type deviceGrant struct {
	app      *Application
	userCode string
	scopes   []string
	expires  time.Time
	interval time.Duration
	polled   time.Time // last; zero: not yet
	slowed   bool      // the client was told to slow down
	user     *User     // who approved
	denied   bool
	used     bool
}

// authorizeDevice is POST /oauth/authorize_device, of GitLab 17.2 (RFC 8628,
// section 3.1).
func (x *exchange) authorizeDevice() {
	if !x.g.since(17, 2) {
		x.noPage()
		return
	}
	app := x.g.client(x.credentials())
	scopes := strings.Fields(x.form.Get("scope"))
	switch {
	case app == nil:
		x.invalidClient()
		return
	case len(scopes) == 0, slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(app.Scopes, s) }):
		x.oauthFailure(http.StatusBadRequest, "invalid_scope", "The requested scope is missing, unknown, or beyond the application's.")
		return
	}
	code := x.g.mint(kindDeviceCode)
	d := &deviceGrant{
		app: app, userCode: rand.Text()[:8], scopes: scopes,
		expires: x.g.now().Add(x.g.deviceLifetime), interval: x.g.deviceInterval,
	}
	x.g.devices[code] = d
	page := x.g.url + "/oauth/device"
	x.json(http.StatusOK, map[string]any{
		"device_code": code, "user_code": d.userCode, "verification_uri": page,
		"verification_uri_complete": page + "?user_code=" + url.QueryEscape(d.userCode),
		"expires_in":                int64(x.g.deviceLifetime.Seconds()), "interval": d.interval.Seconds(),
	})
}

// redeemDevice is a poll (RFC 8628, sections 3.4 and 3.5). One that comes too
// early is told to slow down; whoever goes on as before violates the protocol.
func (x *exchange) redeemDevice() {
	app := x.g.client(x.credentials())
	if app == nil {
		x.invalidClient()
		return
	}
	d := x.g.devices[x.form.Get("device_code")]
	if d == nil || d.app != app || d.used {
		x.invalidGrant()
		return
	}
	now := x.g.now()
	early := !d.polled.IsZero() && now.Sub(d.polled) < d.interval-deviceTolerance
	d.polled = now
	switch {
	case !now.Before(d.expires):
		x.oauthFailure(http.StatusBadRequest, "expired_token", "The device code has expired.")
	case d.denied:
		x.oauthFailure(http.StatusBadRequest, "access_denied", "The user did not allow the request.")
	case early:
		if d.slowed {
			x.g.violation(x, "a device that was told to slow down polls as fast as before")
		}
		d.slowed, d.interval = true, d.interval+deviceSlowDown
		x.oauthFailure(http.StatusBadRequest, "slow_down", "The device polls faster than it may.")
	case d.user == nil:
		x.oauthFailure(http.StatusBadRequest, "authorization_pending", "The user has not decided yet.")
	default:
		d.used = true
		x.grantTokens(x.g.issue(d.user, d.app, d.scopes))
	}
}

// deviceTolerance is how much earlier than the interval a poll may come: clocks
// and networks are not exact.
const deviceTolerance = 10 * time.Millisecond

// deviceView fills the pages on which a code is entered and approved.
type deviceView struct {
	Root, Token, Alert, UserCode, App, User string
	Scopes                                  []string
}

// devicePage is GET /oauth/device: the user enters the code, or has it in the
// address.
func (x *exchange) devicePage() {
	s := x.session()
	if !x.g.since(17, 2) {
		x.elsewhere()
		return
	}
	if !x.knows(s) {
		return
	}
	view := deviceView{Root: x.g.root, Token: s.csrf, UserCode: x.query.Get("user_code")}
	d := x.g.deviceFor(view.UserCode)
	switch {
	case view.UserCode == "":
		x.page(http.StatusOK, "device", view)
	case d == nil:
		view.Alert = "There is no such code, or it has expired."
		x.page(http.StatusOK, "device", view)
	default:
		view.App, view.User, view.Scopes = d.app.Name, s.user.Username, d.scopes
		x.page(http.StatusOK, "deviceconsent", view)
	}
}

// decideDevice is POST /oauth/device: one of the two buttons was pressed.
func (x *exchange) decideDevice() {
	s := x.session()
	if !x.knows(s) || !x.genuine(s) {
		return
	}
	d := x.g.deviceFor(x.form.Get("user_code"))
	switch {
	case d == nil:
		x.problem(http.StatusOK, "The code is not valid", "There is no such code, or it has expired.")
	case x.form.Get("_method") == "delete":
		d.denied = true
		x.problem(http.StatusOK, "Device denied", "The device does not get access.")
	default:
		d.user = s.user
		x.problem(http.StatusOK, "Device authorized", "You can close this page and go back to your device.")
	}
}

// deviceFor finds what waits under a user code.
func (g *GitLab) deviceFor(userCode string) *deviceGrant {
	for _, d := range g.devices {
		if strings.EqualFold(d.userCode, strings.TrimSpace(userCode)) && d.user == nil && !d.denied && g.now().Before(d.expires) {
			return d
		}
	}
	return nil
}
