package providertest

import (
	"net/http"
	"net/url"
	"time"
)

// Options says which GitLab to start. The zero value is a GitLab 17.11 at the
// root of a free port.
type Options struct {
	// Root is the relative URL root, such as "/gitlab", that an administrator
	// may install GitLab under; "" for none.
	Root string
	// Version is what /version answers. Endpoints that came later are absent, and
	// PKCE, the redirect URI's port and the status of OAuth errors are treated as
	// that version does. Default "17.11.0".
	Version string
	// TokenLifetime is the life of an access token; default that of the version,
	// which is two hours since 15.0. Negative, and before 15.0: tokens do not
	// expire and the answers carry no expires_in; a refresh token is issued all the
	// same.
	TokenLifetime time.Duration
	// TLS serves https with a self-signed certificate made at start, see
	// [GitLab.CertificatePEM].
	TLS bool
	// Addr is where to listen: a loopback address. Default "127.0.0.1:0".
	Addr string
	// RedirectErrors is the behaviour of newer Doorkeepers: an error at authorize
	// that the client may learn of, such as invalid_scope, is sent to the redirect
	// URI (RFC 6749, section 4.1.2.1) rather than shown as a page.
	RedirectErrors bool
	// DeviceInterval is how often a device may ask; default 5 seconds, as GitLab's.
	DeviceInterval time.Duration
	// DeviceLifetime is the life of a device code; default 5 minutes, as GitLab's.
	DeviceLifetime time.Duration
}

// User is a person with an account on the server. A blocked user can neither
// sign in nor use the API.
type User struct {
	ID       int64
	Username string
	Name     string
	Email    string
	Password string
	Blocked  bool
}

// Application is an OAuth application as an administrator registers it (RFC
// 6749, section 2). GitLab gives a secret to a public one too, which its client
// has no use for.
type Application struct {
	ID           string
	Secret       string
	Name         string
	RedirectURIs []string
	Scopes       []string
	Confidential bool // the client can keep a secret, and must send it
	Trusted      bool // GitLab never asks the user for consent
}

// Tokens is what one approval gave a client. ExpiresAt is zero where the access
// token does not expire.
type Tokens struct {
	AccessToken  string
	RefreshToken string
	ExpiresAt    time.Time
	Scopes       []string
}

// Request is one entry of the journal: a request that arrived. What it carried
// is here in full, secrets included, for tests to look at.
type Request struct {
	Time   time.Time // when it arrived
	Method string
	// Path is the path below the root as it was sent, percent-encoding included,
	// without the query. Outside the root it is the whole path.
	Path   string
	Query  url.Values
	Header http.Header
	Form   url.Values // a form body; nil for any other
	Body   string     // the body as it was sent
	// Status is the status that was answered: 0 while there is none, and for good
	// where the connection was cut.
	Status int
}

// FormNames are the sorted names of the fields of a form body: what a test may
// print.
func (r Request) FormNames() []string { return sortedKeys(r.Form) }
