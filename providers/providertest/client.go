package providertest

import (
	"crypto/subtle"
	"net/http"
)

// credentials is how a request to the token or revoke endpoint says which
// client it comes from (RFC 6749, section 2.3).
type credentials struct {
	id, secret string
	basic      bool // sent in the Authorization header
	twice      bool // and in the body as well
}

func (x *exchange) credentials() credentials {
	id, secret, basic := x.r.BasicAuth()
	if !basic {
		return credentials{id: x.form.Get("client_id"), secret: x.form.Get("client_secret")}
	}
	return credentials{id: id, secret: secret, basic: true, twice: x.form.Get("client_secret") != ""}
}

// client finds the application that the credentials prove; nil where they do
// not. A public application needs no secret, but one that is sent must be right.
func (g *GitLab) client(c credentials) *Application {
	app := g.apps[c.id]
	switch {
	case app == nil:
		return nil
	case c.secret == "" && !app.Confidential:
		return app
	case subtle.ConstantTimeCompare([]byte(app.Secret), []byte(c.secret)) != 1:
		return nil
	}
	return app
}

// oauthFailure answers with an error of RFC 6749, section 5.2. Before Doorkeeper
// 5.1, which GitLab has since 13.9, all of them had one status.
func (x *exchange) oauthFailure(status int, code, description string) {
	if x.endpoint == EndpointToken && !x.g.since(13, 9) {
		status = http.StatusUnauthorized
	}
	x.json(status, map[string]string{"error": code, "error_description": description})
	x.header().Set("Cache-Control", "no-store, no-cache")
	if status == http.StatusUnauthorized {
		x.header().Set("WWW-Authenticate",
			`Bearer realm="Doorkeeper", error="`+code+`", error_description="`+description+`"`)
	}
}
