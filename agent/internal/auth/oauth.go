package auth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// maxTokenAnswer bounds the answers of the OAuth endpoints in bytes.
const maxTokenAnswer = 1 << 20

// errInvalidGrant is OAuth's word for a code or refresh token that is not, or no
// longer, good (RFC 6749 section 5.2). Callers say what it means to the user.
var errInvalidGrant = errors.New("auth: invalid_grant")

// application is the OAuth application of an instance, as a client uses it.
type application struct {
	instance string
	config   oauth2.Config
	revoke   string // the endpoint
	http     *http.Client
	now      func() time.Time
}

// application returns the application of an instance with its secret. redirect is
// the redirect URI as GitLab gets it.
func (m *Manager) application(in store.Instance, redirect string) (*application, error) {
	var clientSecret secret.Text
	err := m.Store.View(func(tx *store.Tx) (err error) {
		clientSecret, err = tx.ClientSecret(in.ID)
		return err
	})
	if errors.Is(err, store.ErrKeyLost) {
		return nil, invalidClient(in.ID, "the key that seals the client secret is lost")
	}
	if errors.Is(err, store.ErrKeyLocked) {
		return nil, &protocol.Error{
			Code:     protocol.InvalidClient,
			Message:  "the client secret cannot be opened: " + err.Error(),
			Hint:     "Unlock the keyring (sign in to the desktop session) and try again, or configure the instance again with its secret.",
			Instance: in.ID,
			Details:  &protocol.ErrorDetails{Cause: causeKeyLocked},
			Err:      err,
		}
	}
	if err != nil {
		return nil, err
	}
	return m.applicationWithSecret(in, redirect, clientSecret)
}

func (m *Manager) applicationWithSecret(in store.Instance, redirect string, clientSecret secret.Text) (*application, error) {
	if in.ClientID == "" {
		return nil, invalidClient(in.ID, "no application ID is configured")
	}
	transport, err := m.Transport(in)
	if err != nil {
		return nil, err
	}
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
				// Auto-detection would post a failed refresh twice.
				AuthStyle: oauth2.AuthStyleInParams,
			},
		},
		revoke: endpoints.Revoke,
		now:    m.Now,
		http:   providers.NewClient(wholeAnswers{transport}, in.ID),
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

// grant is what the token endpoint issues.
type grant struct {
	access, refresh secret.Text
	tokenType       string
	scopes          []string
	issued, expires time.Time // expires: zero where it does not
}

// exchange trades a code for tokens (RFC 6749 section 4.1.3).
func (a *application) exchange(ctx context.Context, code, verifier string) (grant, error) {
	return a.token(ctx, code, oauth2.VerifierOption(verifier))
}

// renew trades a refresh token for new tokens (RFC 6749 section 6). GitLab's
// documentation asks for the redirect URI too, which oauth2's own TokenSource
// does not send.
func (a *application) renew(ctx context.Context, refresh secret.Text) (grant, error) {
	return a.token(ctx, "",
		oauth2.SetAuthURLParam("grant_type", "refresh_token"),
		oauth2.SetAuthURLParam("refresh_token", refresh.Reveal()))
}

func (a *application) token(ctx context.Context, code string, options ...oauth2.AuthCodeOption) (grant, error) {
	issued := a.now()
	token, err := a.config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, a.http), code, options...)
	if err != nil {
		return grant{}, a.tokenError(err)
	}
	g := grant{
		access: secret.New(token.AccessToken), refresh: secret.New(token.RefreshToken),
		tokenType: token.Type(), issued: issued.UTC(),
	}
	if token.ExpiresIn > 0 { // counted from before the request, so rather too short
		g.expires = g.issued.Add(time.Duration(token.ExpiresIn) * time.Second)
	}
	scope, ok := token.Extra("scope").(string)
	if g.scopes = strings.Fields(scope); !ok {
		g.scopes = a.config.Scopes // RFC 6749 section 5.1: left out where they are as asked
	}
	if g.tokenType != "Bearer" || !isToken(token.AccessToken) || !isToken(token.RefreshToken) {
		return grant{}, a.notATokenAnswer()
	}
	return g, nil
}

// isToken reports whether s has only the characters of a token
// (RFC 6750 section 2.1), so that it can stand in a header.
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// tokenError translates the error of a token request. The original is dropped:
// its text can carry the body of the answer.
func (a *application) tokenError(err error) error {
	var refused *oauth2.RetrieveError
	var transport *url.Error
	switch {
	case errors.As(err, &transport):
		return providers.TransportError(err, a.instance)
	case !errors.As(err, &refused):
		return a.notATokenAnswer()
	}
	switch refused.ErrorCode {
	case "invalid_grant":
		return errInvalidGrant
	case "invalid_client", "unauthorized_client":
		return invalidClient(a.instance, "GitLab does not accept the application ID with its secret")
	case "invalid_scope":
		return invalidScope(a.instance, a.config.Scopes)
	}
	if e := providers.ServerError(a.instance, refused.Response.StatusCode, refused.Response.Header); e != nil {
		return e
	}
	return &protocol.Error{
		Code:     protocol.GitLabError,
		Message:  "GitLab refuses to issue a token: " + oauthError(refused.ErrorCode, refused.ErrorDescription),
		Hint:     "Show this to the administrator of the GitLab instance.",
		Instance: a.instance,
		Status:   refused.Response.StatusCode,
	}
}

func (a *application) notATokenAnswer() error {
	return &protocol.Error{
		Code:     protocol.NotGitLab,
		Message:  "the answer of " + a.config.Endpoint.TokenURL + " is not a token",
		Hint:     "A proxy or a sign-in page of your network may be in the way: open the instance in the browser.",
		Instance: a.instance,
	}
}

// revokeToken revokes a token at GitLab, and with it the other of its pair
// (RFC 7009).
func (a *application) revokeToken(ctx context.Context, token secret.Text) error {
	form := url.Values{"client_id": {a.config.ClientID}, "token": {token.Reveal()}}
	if a.config.ClientSecret != "" {
		form.Set("client_secret", a.config.ClientSecret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.revoke, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return providers.TransportError(err, a.instance)
	}
	resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return invalidClient(a.instance, "GitLab does not let this application revoke the token")
	}
	if e := providers.ServerError(a.instance, resp.StatusCode, resp.Header); e != nil {
		return e
	}
	return &protocol.Error{
		Code:     protocol.GitLabError,
		Message:  "GitLab answered " + providers.StatusText(resp.StatusCode),
		Hint:     "Revoke the application by hand in GitLab, under User settings > Applications.",
		Instance: a.instance,
		Status:   resp.StatusCode,
	}
}

// wholeAnswers reads each answer before it hands it on, so that a connection cut
// in the middle is told from an answer that makes no sense.
type wholeAnswers struct{ base http.RoundTripper }

func (t wholeAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, _, err := providers.ReadBody(resp, maxTokenAnswer)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func invalidClient(instance, problem string) error {
	return &protocol.Error{
		Code:     protocol.InvalidClient,
		Message:  problem,
		Hint:     "Ask the administrator for the application ID and the secret of the OAuth application (Admin > Applications); the secret may have been renewed. Then configure the instance again.",
		Instance: instance,
	}
}

func invalidScope(instance string, scopes []string) error {
	return &protocol.Error{
		Code:     protocol.InvalidScope,
		Message:  "the application does not have the scopes " + strings.Join(scopes, ", "),
		Hint:     "Ask the administrator to tick them in the application's form (Admin > Applications), or configure the instance with the scopes that it has.",
		Instance: instance,
		Details:  &protocol.ErrorDetails{Scopes: scopes},
	}
}

// maxDescription bounds how much of GitLab's own words goes into an error.
const maxDescription = 300

// oauthError joins OAuth's error code and description, which are GitLab's own
// words and carry no secret.
func oauthError(code, description string) string {
	if description == "" {
		return providers.Shorten(code, maxDescription)
	}
	return providers.Shorten(description, maxDescription) + " (" + providers.Shorten(code, maxDescription) + ")"
}
