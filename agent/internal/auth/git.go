package auth

import (
	"context"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// GitCredential is what git signs in with over HTTP.
type GitCredential struct {
	Username string
	Password secret.Text
	Expires  time.Time // zero: it does not
}

// GitCredential returns what git signs in with as the account, over HTTP: an
// access token that lives as long as asked where the instance issues such ones, or
// the personal access token
// (https://docs.gitlab.com/topics/git/clone/#clone-using-a-token). Errors: as for
// Token.
func (m *Manager) GitCredential(ctx context.Context, key store.AccountKey, validity time.Duration) (GitCredential, error) {
	access, err := m.access(ctx, key, need{validity: validity})
	if err != nil {
		return GitCredential{}, err
	}
	c := GitCredential{Username: GitUsername, Password: access.Token, Expires: access.Account.ExpiresAt}
	if access.Account.Method == protocol.MethodToken {
		c.Username = access.Account.User.Username // which may be any
	}
	return c, nil
}

// GitUsername is who git over HTTPS signs in as with an OAuth token
// (https://docs.gitlab.com/api/oauth2/#access-git-over-https-with-access-token).
const GitUsername = "oauth2"

// GitRefused is told that git was not let in with what GitCredential had returned.
// Where that is still the token of one of the accounts of the instance, GitLab is
// asked what it says of it, as by [Manager.Client]: for git may have been refused
// for something else, such as a scope. It reports whether there is another token by
// now. Errors: SignInRequired where the sign-in is no longer good, and those of
// [providers.Host].
func (m *Manager) GitRefused(ctx context.Context, in store.Instance, password secret.Text) (renewed bool, err error) {
	var accounts []store.Account
	err = m.Store.View(func(tx *store.Tx) error {
		accounts, err = tx.AccountsOf(in.ID)
		return err
	})
	if err != nil {
		return false, err
	}
	for _, account := range accounts {
		if !m.hasToken(account.Key(), password) {
			continue
		}
		client, err := m.Client(in, account.Key())
		if err != nil {
			return false, err
		}
		if _, err := m.Provider.Host(in.ID, client).CurrentUser(ctx); err != nil {
			return false, err
		}
		return !m.hasToken(account.Key(), password), nil
	}
	return false, nil
}

// hasToken reports whether that is the access token of an account.
func (m *Manager) hasToken(key store.AccountKey, token secret.Text) bool {
	_, tokens, err := m.signedInAccount(key)
	return err == nil && tokens.Access == token
}
