package gitlabsm

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// selfPath is the personal access token that a request carries.
const selfPath = "/personal_access_tokens/self"

// PersonalToken asks GET /personal_access_tokens/self, of GitLab 15.5
// (https://docs.gitlab.com/api/personal_access_tokens/). Older versions answer that
// there is no token of that number, or no such path.
func (h host) PersonalToken(ctx context.Context) (providers.PersonalToken, error) {
	var token struct {
		Scopes    []string `json:"scopes"`
		Active    *bool    `json:"active"`
		Revoked   bool     `json:"revoked"`
		ExpiresAt string   `json:"expires_at"`
	}
	err := h.getJSON(ctx, selfPath, &token)
	var answer *protocol.Error
	if errors.As(err, &answer) && (answer.Status == http.StatusBadRequest || answer.Status == http.StatusMethodNotAllowed) {
		return providers.PersonalToken{}, protocol.NotFound
	}
	if err != nil {
		return providers.PersonalToken{}, err
	}
	described := providers.PersonalToken{Scopes: onlyScopes(token.Scopes), Revoked: token.Revoked}
	if token.ExpiresAt != "" { // it ends when that day begins, in UTC
		if described.ExpiresAt, err = time.Parse(time.DateOnly, token.ExpiresAt); err != nil {
			return providers.PersonalToken{}, unexpected(h.instance, "GET "+selfPath+" has an expires_at that is no date")
		}
	}
	return described, nil
}

// RevokePersonalToken asks DELETE /personal_access_tokens/self, of GitLab 15.0.
func (h host) RevokePersonalToken(ctx context.Context) error {
	_, err := h.Call(ctx, protocol.CallAPIParams{Method: http.MethodDelete, Path: selfPath})
	var answer *protocol.Error
	if errors.As(err, &answer) && (answer.Status == http.StatusBadRequest || answer.Status == http.StatusMethodNotAllowed) {
		return protocol.NotFound
	}
	return err
}

// otherTokens are the prefixes of tokens that are not personal access tokens
// (https://docs.gitlab.com/security/tokens/#token-prefixes). An administrator can
// put one of the instance's own before them, or another in place of glpat-: so none
// is asked for.
var otherTokens = []struct{ prefix, kind string }{
	{"gloas-", "the secret of an OAuth application"},
	{"gldt-", "a deploy token"},
	{"glrt-", "a runner's token"},
	{"glrtr-", "a runner's token"},
	{"GR1348941", "a runner's registration token"},
	{"glcbt-", "the token of a CI/CD job"},
	{"glptt-", "a pipeline trigger's token"},
	{"glft-", "a feed token"},
	{"glimt-", "an incoming mail token"},
	{"glagent-", "the token of an agent for Kubernetes"},
	{"glwt-", "a workspace's token"},
	{"glsoat-", "a SCIM token"},
	{"glffct-", "the token of a feature flags client"},
	{"_gitlab_session=", "a browser's session cookie"},
}

// OtherToken names what a token is by its prefix.
func (Provider) OtherToken(token string) string {
	for _, other := range otherTokens {
		if strings.HasPrefix(token, other.prefix) {
			return other.kind
		}
	}
	return ""
}

// botName is the user name of a bot that GitLab makes for a project's or a group's
// token (https://docs.gitlab.com/user/project/settings/project_access_tokens/).
var botName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(project|group)_\d+_bot`) })

// TokenKind tells bots by their names: older versions mark them in no other way.
func (Provider) TokenKind(user protocol.User) protocol.TokenKind {
	if match := botName().FindStringSubmatch(user.Username); match != nil {
		return protocol.TokenKind(match[1])
	}
	return protocol.TokenPersonal
}
