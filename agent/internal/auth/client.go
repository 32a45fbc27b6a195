package auth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// Client returns an HTTP client that calls the instance as the account. Each
// request takes the token from the store; one that GitLab refuses is refreshed
// and the request sent once more. The client's errors are the protocol's, within
// a *url.Error.
func (m *Manager) Client(in store.Instance, key store.AccountKey) (*http.Client, error) {
	base, err := m.Transport(in)
	if err != nil {
		return nil, err
	}
	origin, err := url.Parse(in.ID)
	if err != nil {
		return nil, err
	}
	return providers.NewClient(&authorizer{m, key, origin, base}), nil
}

// authorizer is a RoundTripper that adds the account's credentials.
type authorizer struct {
	manager *Manager
	key     store.AccountKey
	origin  *url.URL // a token goes nowhere else
	base    http.RoundTripper
}

// attempts is how often a request is sent whose token is refused: again with a
// refreshed one, and once more where another window has refreshed that in turn.
const attempts = 3

func (a *authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	if !providers.SameOrigin(req.URL, a.origin) {
		return nil, fmt.Errorf("auth: a token of %s does not go to %s", a.origin.Host, req.URL.Host)
	}
	var access Access
	for range attempts {
		var err error
		access, err = a.manager.access(req.Context(), a.key, need{validity: slack, refused: access.Token})
		if err != nil {
			return nil, err
		}
		resp, err := bearer{a.base, access.Token}.RoundTrip(req)
		if err != nil || !isRefused(resp) {
			return resp, err
		}
		drop(resp)
		if req, err = rewind(req); err != nil {
			return nil, err
		}
	}
	return nil, a.manager.refuseToken(req.Context(), access)
}

// isRefused reports whether GitLab itself refused the token: a proxy's 401 is a
// web page.
func isRefused(resp *http.Response) bool {
	return resp.StatusCode == http.StatusUnauthorized && providers.IsJSON(resp.Header)
}

// drop lets the connection be used again.
func drop(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}

func rewind(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.GetBody == nil {
		return again, nil
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err
}

// refuseToken notes that GitLab refuses even a token that it has just issued,
// unless there is another by now.
func (m *Manager) refuseToken(ctx context.Context, access Access) error {
	unlock, err := m.Store.LockAccount(ctx, access.Account.Key())
	if err != nil {
		return err
	}
	defer unlock()
	account, tokens, err := m.signedInAccount(access.Account.Key())
	if err != nil {
		return err
	}
	if tokens.Access != access.Token {
		return &protocol.Error{
			Code:     protocol.GitLabError,
			Message:  "GitLab refused the token, and another window has a new one by now",
			Hint:     "Try again.",
			Instance: account.Instance,
			Status:   http.StatusUnauthorized,
		}
	}
	return m.refuse(account, ReasonRevoked)
}

// bearer is a RoundTripper that sends one token (RFC 6750 section 2.1).
type bearer struct {
	base  http.RoundTripper
	token store.Secret
}

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	return b.base.RoundTrip(req)
}
