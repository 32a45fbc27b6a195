package providertest

import "net/http"

// revoke is POST /oauth/revoke (RFC 7009). The access and the refresh token of a
// pair die together, whichever is sent. As in Doorkeeper 5.5 a pair whose access
// token has expired is left as it is: its refresh token lives on.
func (x *exchange) revoke() {
	app := x.g.client(x.credentials())
	secret := x.form.Get("token")
	t := x.g.access[secret]
	if t == nil {
		t = x.g.refresh[secret]
	}
	if app == nil || x.credentials().twice || t != nil && t.app != app {
		x.oauthFailure(http.StatusForbidden, "unauthorized_client", "This client may not revoke the token.")
		return
	}
	if t != nil && t.accessible(x.g.now()) {
		t.revoked = true
		x.spent = append(x.spent, t)
	}
	x.json(http.StatusOK, struct{}{})
}
