package providertest

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// deviceForm asks for a device code.
func (w *world) deviceForm(app Application, scope string) url.Values {
	form := url.Values{"client_id": {app.ID}, "scope": {scope}}
	if app.Confidential {
		form.Set("client_secret", app.Secret)
	}
	return form
}

func (w *world) pollForm(app Application, code string) url.Values {
	form := w.deviceForm(app, "")
	form.Del("scope")
	form.Set("grant_type", deviceGrantType)
	form.Set("device_code", code)
	return form
}

func TestADeviceIsApprovedOnce(t *testing.T) {
	w := start(t, Options{DeviceInterval: time.Millisecond})
	d := w.post("/oauth/authorize_device", w.deviceForm(w.public, "api"))
	w.want(d, 200, "")
	w.want(w.post("/oauth/token", w.pollForm(w.public, d.text("device_code"))), 400, "authorization_pending")
	page, err := NewBrowser("sam", w.AddUser(User{Username: "sam"}).Password, nil).Approve(t.Context(), d.text("verification_uri_complete"))
	if err != nil || !strings.Contains(page.Title, "Device authorized") {
		t.Fatalf("the browser ended on %+v, %v", page, err)
	}
	r := w.post("/oauth/token", w.pollForm(w.public, d.text("device_code")))
	w.want(r, 200, "")
	if r.text("access_token") == "" || r.text("scope") != "api" {
		t.Errorf("the answer has %v", sortedKeys(r.json))
	}
	w.want(w.post("/oauth/token", w.pollForm(w.public, d.text("device_code"))), 400, "invalid_grant")
	w.clean()
}

func TestADeviceIsRefused(t *testing.T) {
	w := start(t, Options{DeviceInterval: time.Hour, DeviceLifetime: 2 * time.Hour})
	w.want(w.post("/oauth/authorize_device", w.deviceForm(w.public, "")), 400, "invalid_scope")
	w.want(w.post("/oauth/authorize_device", w.deviceForm(w.public, "sudo")), 400, "invalid_scope")
	w.want(w.post("/oauth/authorize_device", url.Values{"client_id": {"nobody"}, "scope": {"api"}}), 401, "invalid_client")
	code := w.post("/oauth/authorize_device", w.deviceForm(w.public, "api")).text("device_code")
	w.want(w.post("/oauth/token", w.pollForm(w.public, code)), 400, "authorization_pending")
	w.want(w.post("/oauth/token", w.pollForm(w.public, code)), 400, "slow_down")
	w.clean()
	w.want(w.post("/oauth/token", w.pollForm(w.public, code)), 400, "slow_down")
	if len(w.Violations()) != 1 {
		t.Errorf("a device that does not slow down: violations %q", w.Violations())
	}
}

func TestBeforeDevices(t *testing.T) {
	w := start(t, Options{Version: "17.1.0"})
	w.want(w.post("/oauth/authorize_device", w.deviceForm(w.public, "api")), 404, "")
	w.want(w.post("/oauth/token", w.pollForm(w.public, "code")), 400, "unsupported_grant_type")
}
