package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// Client returns an HTTP client that calls the instance's API as the account.
// Each request takes the token from the store; one that GitLab refuses is
// refreshed and the request sent once more. The client's errors are the
// protocol's, within a *url.Error.
//
// in says how to reach the instance; where the token goes is the account's to say.
func (m *Manager) Client(in store.Instance, key store.AccountKey) (*http.Client, error) {
	base, err := m.Transport(in)
	if err != nil {
		return nil, err
	}
	api := m.Provider.Endpoints(key.Instance).API
	return providers.NewClient(&authorizer{m, in, key, api, base}, api), nil
}

// authorizer is a RoundTripper that adds the account's credentials.
type authorizer struct {
	manager *Manager
	in      store.Instance
	key     store.AccountKey
	api     string // a token goes nowhere else
	base    http.RoundTripper
}

// attempts is how often a request is sent whose token is refused: again with the
// next token, which is refreshed here or was in another window.
const attempts = 2

func (a *authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	if !providers.IsBelow(req.URL, a.api) {
		return nil, fmt.Errorf("auth: a token for %s does not go to %s", a.api, req.URL.Host)
	}
	var access Access
	for range attempts {
		var err error
		access, err = a.manager.access(req.Context(), a.key, need{validity: slack, refused: access.Token})
		if err != nil {
			return nil, err
		}
		resp, err := a.manager.credential(a.base, a.key.Instance, access.Account.Method, access.Token).RoundTrip(req)
		if err == nil && resp.StatusCode < http.StatusMultipleChoices {
			a.manager.renewVersion(a.in, access.Account.Method, access.Token)
		}
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		refused, err := a.refusesToken(req.Context(), resp, access)
		if err != nil {
			return nil, err
		}
		if !refused {
			return resp, nil
		}
		if req, err = rewind(req); err != nil {
			return nil, err
		}
	}
	return nil, a.manager.refuseToken(req.Context(), access)
}

// refusesToken tells a 401 that is about the token from one that is about the
// call: GitLab also answers 401 where the user may not do a thing, such as approve
// a merge request twice. A token that has run out or was revoked is named
// invalid_token (RFC 6750 section 3.1). Where nothing is named, GitLab is asked
// whether the token still opens anything. What is not JSON is a proxy's.
//
// The answer's body can be read afterwards, and need not be closed.
func (a *authorizer) refusesToken(ctx context.Context, resp *http.Response, access Access) (bool, error) {
	if !providers.IsJSON(resp.Header) {
		return false, nil
	}
	body, _, err := providers.ReadBody(resp, maxTokenAnswer)
	resp.Body.Close()
	if err != nil {
		return false, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var named struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &named) == nil && named.Error == "invalid_token" ||
		strings.Contains(resp.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
		return true, nil
	}
	_, err = a.manager.host(a.base, a.key.Instance, access.Account.Method, access.Token).CurrentUser(ctx)
	var answer *protocol.Error
	return errors.As(err, &answer) && answer.Status == http.StatusUnauthorized, nil
}

// rewind returns the request with its body from the beginning.
func rewind(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return again, nil
	case req.GetBody == nil:
		return nil, errors.New("auth: a request's body can be sent only once")
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
