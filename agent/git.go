package agent

import (
	"context"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
)

// GitCredential returns what git signs in with over HTTP as an account of an
// instance, with a token that lives as long as asked where it can. It is for the
// terminal only: no message of the protocol hands out a personal access token.
func (a *Agent) GitCredential(ctx context.Context, instance, account string, validity time.Duration) (auth.GitCredential, error) {
	t, err := a.resolve(instance, account)
	if err != nil {
		return auth.GitCredential{}, err
	}
	credential, err := t.session.auth.GitCredential(ctx, t.account.Key(), validity)
	return credential, a.withoutSecrets(err)
}

// GitRefused is told that git was not let in to an instance with that password. It
// reports whether there is another by now, and returns SignInRequired where GitLab
// no longer accepts the sign-in.
func (a *Agent) GitRefused(ctx context.Context, instance, password string) (renewed bool, err error) {
	token := secret.New(password)
	a.seen(token)
	s, err := a.ready()
	if err != nil {
		return false, err
	}
	in, err := usable(s.team.Resolve(instance))
	if err != nil {
		return false, err
	}
	renewed, err = s.auth.GitRefused(ctx, in.Instance, token)
	return renewed, a.withoutSecrets(err)
}
