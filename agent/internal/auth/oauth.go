package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// maxTokenAnswer bounds the answers of the OAuth endpoints in bytes.
const maxTokenAnswer = 1 << 20

// application is the OAuth application of an instance, as a client uses it.
type application struct {
	instance string
	config   oauth2.Config
	revoke   string // the endpoint
	device   string // likewise
	http     *http.Client
	now      func() time.Time
	seen     func(secret.Text)
	hide     func(string) string
}

// application returns the application of an instance with its secret. redirect is
// the redirect URI as GitLab gets it.
func (m *Manager) application(in store.Instance, redirect string) (*application, error) {
	clientSecret, err := m.ClientSecret(in.ID)
	if err != nil {
		return nil, err
	}
	return m.applicationWithSecret(in, redirect, clientSecret)
}

// ClientSecret returns the client secret of an instance, which is empty where there
// is none. It returns InvalidClient where it cannot be opened.
func (m *Manager) ClientSecret(instance string) (clientSecret secret.Text, err error) {
	err = m.Store.View(func(tx *store.Tx) (err error) {
		clientSecret, err = m.Instances.ClientSecret(tx, instance)
		return err
	})
	return clientSecret, secretError(instance, err)
}

// applicationOf returns the application that issued an account's tokens.
func (m *Manager) applicationOf(account store.Account) (*application, error) {
	var in store.Instance
	var clientSecret secret.Text
	err := m.Store.View(func(tx *store.Tx) (err error) {
		in, clientSecret, err = m.Instances.Application(tx, account.Instance, account.ClientID)
		return err
	})
	if err != nil {
		return nil, secretError(account.Instance, err)
	}
	in.Scopes = account.Scopes
	return m.applicationWithSecret(in, account.RedirectURI, clientSecret)
}

// secretError says why a client secret cannot be had.
func secretError(instance string, err error) error {
	switch {
	case errors.Is(err, store.ErrKeyLost):
		return invalidClient(instance, "the key that seals the client secret is lost")
	case errors.Is(err, store.ErrKeyLocked):
		return &protocol.Error{
			Code:     protocol.InvalidClient,
			Message:  "the client secret cannot be opened: " + err.Error(),
			Hint:     "Unlock the keyring (sign in to the desktop session) and try again, or configure the instance again with its secret.",
			Instance: instance,
			Details:  &protocol.ErrorDetails{Cause: protocol.CauseKeyLocked},
			Err:      err,
		}
	}
	return err
}

func (m *Manager) applicationWithSecret(in store.Instance, redirect string, clientSecret secret.Text) (*application, error) {
	if in.ClientID == "" {
		return nil, invalidClient(in.ID, "no application ID is configured")
	}
	m.Seen(clientSecret)
	transport, err := m.Transport(in)
	if err != nil {
		return nil, err
	}
	client := providers.NewClient(transport, in.ID)
	// What is posted to these endpoints are secrets, which follow no redirect.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	endpoints := m.Provider.Endpoints(in.ID)
	return &application{
		instance: in.ID,
		config: oauth2.Config{
			ClientID:     in.ClientID,
			ClientSecret: clientSecret.Reveal(),
			RedirectURL:  redirect,
			Scopes:       in.Scopes,
			Endpoint: oauth2.Endpoint{
				AuthURL: endpoints.Authorize, TokenURL: endpoints.Token,
			},
		},
		revoke: endpoints.Revoke,
		device: endpoints.Device,
		now:    m.Now,
		seen:   m.Seen,
		hide:   m.Hide,
		http:   client,
	}, nil
}

// CheckApplication asks GitLab whether it knows the application and its secret,
// by offering it a code that cannot be one: GitLab looks at the client first
// (Doorkeeper, AuthorizationCodeRequest). It returns InvalidClient where not, and
// the errors of the network.
func (m *Manager) CheckApplication(ctx context.Context, in store.Instance, clientSecret secret.Text) error {
	app, err := m.applicationWithSecret(in, RegisteredRedirect(in.RedirectURI), clientSecret)
	if err != nil {
		return err
	}
	return app.check(ctx)
}

// CheckConfigured is CheckApplication with the secret that is saved.
func (m *Manager) CheckConfigured(ctx context.Context, in store.Instance) error {
	app, err := m.application(in, RegisteredRedirect(in.RedirectURI))
	if err != nil {
		return err
	}
	return app.check(ctx)
}

func (a *application) check(ctx context.Context) error {
	_, err := a.exchange(ctx, "check", oauth2.GenerateVerifier())
	if errors.Is(err, errInvalidGrant) {
		return nil
	}
	return err
}

// exchange trades a code for tokens (RFC 6749 section 4.1.3, RFC 7636 section
// 4.5), with its verifier unless that is empty. Where it returns an error, a grant
// that has an access token all the same is one that cannot be used and should be
// revoked.
func (a *application) exchange(ctx context.Context, code, verifier string) (grant, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}}
	if verifier != "" {
		form.Set("code_verifier", verifier)
	}
	return a.token(ctx, form)
}

// renew trades a refresh token for new tokens (RFC 6749 section 6). The old
// refresh token is kept where the answer has none.
func (a *application) renew(ctx context.Context, refresh secret.Text) (grant, error) {
	g, err := a.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}})
	if err == nil && g.refresh.IsEmpty() {
		g.refresh = refresh
	}
	return g, err
}

// token asks for tokens. GitLab's documentation asks for the redirect URI with a
// refresh too. oauth2's own requests are not used: they take answers that are
// none, and send a refresh without the redirect URI.
func (a *application) token(ctx context.Context, form url.Values) (grant, error) {
	if a.config.RedirectURL != "" { // a device has none
		form.Set("redirect_uri", a.config.RedirectURL)
	}
	issued := a.now()
	answer, err := a.post(ctx, a.config.Endpoint.TokenURL, form)
	if err != nil {
		return grant{}, err
	}
	return a.readToken(answer, issued.UTC())
}

// readToken reads an answer of the token endpoint.
func (a *application) readToken(r answer, issued time.Time) (grant, error) {
	if r.status != http.StatusOK {
		return grant{}, a.refusal(r)
	}
	g, err := readGrant(r.body, issued, a.config.Scopes)
	a.seen(g.access)
	a.seen(g.refresh)
	if err != nil {
		err = unanswered{a.notAnAnswer(a.config.Endpoint.TokenURL)}
	}
	return g, err
}

// answer is what an OAuth endpoint says.
type answer struct {
	status int
	header http.Header
	body   []byte // at most maxTokenAnswer bytes of it
}

// unanswered is the error of a request that may have reached GitLab, and of which
// nobody here knows what came of it.
type unanswered struct{ error }

func (u unanswered) Unwrap() error { return u.error }

// post sends a form with the client's credentials in it (RFC 6749 section 2.3.1),
// and reads the whole answer, so that a connection cut in the middle is told from
// an answer that makes no sense.
//
// The form is sent once: net/http sends a POST again only where nothing of it was
// written, or where the server said that it did not look at it.
func (a *application) post(ctx context.Context, endpoint string, form url.Values) (answer, error) {
	form.Set("client_id", a.config.ClientID)
	if a.config.ClientSecret != "" {
		form.Set("client_secret", a.config.ClientSecret)
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	failed := func(err error) (answer, error) {
		err = providers.TransportError(err, a.instance)
		if connected.Load() {
			err = unanswered{err}
		}
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return failed(err)
	}
	defer resp.Body.Close()
	body, _, err := providers.ReadBody(resp, maxTokenAnswer)
	if err != nil {
		return failed(err)
	}
	return answer{resp.StatusCode, resp.Header, body}, nil
}

// revokeToken revokes a token at GitLab, and with it the other of its pair
// (RFC 7009).
func (a *application) revokeToken(ctx context.Context, token secret.Text) error {
	answer, err := a.post(ctx, a.revoke, url.Values{"token": {token.Reveal()}})
	switch {
	case err != nil:
		return err
	case answer.status == http.StatusOK:
		return nil
	case answer.status == http.StatusUnauthorized || answer.status == http.StatusForbidden:
		return invalidClient(a.instance, "GitLab does not let this application revoke the token")
	}
	if e := providers.ServerError(a.instance, answer.status, answer.header, answer.body); e != nil {
		return e
	}
	return &protocol.Error{
		Code:     protocol.GitLabError,
		Message:  "GitLab answered " + providers.StatusText(answer.status),
		Hint:     "Revoke the application by hand in GitLab, under User settings > Applications.",
		Instance: a.instance,
		Status:   answer.status,
	}
}
