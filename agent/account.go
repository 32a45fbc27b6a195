package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// defaultValidity is how long a token lives at least unless asked otherwise.
const defaultValidity = 60 * time.Second

// MaxValidity is a year, the longest life that GitLab gives to any token.
const MaxValidity = 365 * 24 * time.Hour

// target is an account with its instance.
type target struct {
	session  *session
	instance team.Instance
	account  store.Account
}

// resolve finds the account that a request is about.
func (a *Agent) resolve(instance, account string) (target, error) {
	s, err := a.ready()
	if err != nil {
		return target{}, err
	}
	in, err := usable(s.team.Resolve(instance))
	if err != nil {
		return target{}, err
	}
	t, err := s.accountIn(in, account)
	if err == nil {
		a.warnOfEnd(t.account)
	}
	return t, err
}

// resolveLast is resolve for whoever signs out, which needs nobody's approval, and
// no source that still names the instance.
func (a *Agent) resolveLast(instance, account string) (target, error) {
	s, err := a.ready()
	if err != nil {
		return target{}, err
	}
	in, err := s.team.ResolveLast(instance)
	if err != nil {
		return target{}, err
	}
	return s.accountIn(in, account)
}

// accountIn finds an account of an instance.
func (s *session) accountIn(in team.Instance, id string) (target, error) {
	accounts, err := s.accountsOf(in.ID)
	if err != nil {
		return target{}, err
	}
	found, err := chooseAccount(in.ID, accounts, id)
	return target{s, in, found}, err
}

// chooseAccount returns the account with that id; without an id the only one, or
// the only one that is signed in.
func chooseAccount(instance string, accounts []store.Account, id string) (store.Account, error) {
	if id != "" {
		for _, account := range accounts {
			if account.ID == id {
				return account, nil
			}
		}
		return store.Account{}, &protocol.Error{
			Code:     protocol.SignInRequired,
			Message:  fmt.Sprintf("the account %q is not signed in to %s", id, instance),
			Hint:     "gitlabSM/status lists the accounts; sign in with gitlabSM/authenticate.",
			Instance: instance,
		}
	}
	var signedIn []store.Account
	for _, account := range accounts {
		if account.Refused == "" {
			signedIn = append(signedIn, account)
		}
	}
	switch {
	case len(accounts) == 0:
		return store.Account{}, auth.NotSignedIn(instance)
	case len(accounts) == 1:
		return accounts[0], nil
	case len(signedIn) == 1:
		return signedIn[0], nil
	}
	names := make([]string, len(accounts))
	for i, account := range accounts {
		names[i] = fmt.Sprintf("%s (%s)", account.ID, account.User.Username)
	}
	return store.Account{}, &protocol.Error{
		Code:     protocol.InvalidParams,
		Message:  fmt.Sprintf("there are %d accounts on %s: %s", len(accounts), instance, strings.Join(names, ", ")),
		Hint:     "Say which with the parameter account.",
		Instance: instance,
	}
}

func (a *Agent) disconnect(ctx context.Context, p protocol.DisconnectParams) (protocol.DisconnectResult, error) {
	t, err := a.resolveLast(p.Instance, p.Account)
	if err != nil {
		return protocol.DisconnectResult{}, err
	}
	revoke := t.account.Method != protocol.MethodToken
	if p.Revoke != nil {
		revoke = *p.Revoke
	}
	r, err := t.session.auth.Disconnect(ctx, t.account.Key(), revoke)
	if err != nil {
		return protocol.DisconnectResult{}, err
	}
	result := protocol.DisconnectResult{Revoked: r.Revoked, Warnings: []string{}}
	if r.Failure != nil {
		result.Warnings = append(result.Warnings, auth.RevocationWarning(t.account, r.Failure))
	}
	return result, nil
}

func (a *Agent) token(ctx context.Context, p protocol.TokenParams) (protocol.TokenResult, error) {
	validity := defaultValidity
	if p.MinValiditySeconds != nil {
		if longest := int(MaxValidity.Seconds()); *p.MinValiditySeconds < 0 || *p.MinValiditySeconds > longest {
			return protocol.TokenResult{}, invalidParams("minValiditySeconds is %d; it can be 0 to %d", *p.MinValiditySeconds, longest)
		}
		validity = time.Duration(*p.MinValiditySeconds) * time.Second
	}
	t, err := a.resolve(p.Instance, p.Account)
	if err != nil {
		return protocol.TokenResult{}, err
	}
	access, err := t.session.auth.Token(ctx, t.account.Key(), validity)
	if err != nil {
		return protocol.TokenResult{}, err
	}
	return protocol.TokenResult{
		AccessToken: access.Token.Reveal(), TokenType: access.Account.TokenType,
		ExpiresAt: wireTime(access.Account.ExpiresAt), Scopes: orEmpty(access.Account.Scopes),
		GitUsername: auth.GitUsername,
	}, nil
}

// wireTime returns a time in the form of the protocol, nil for never. The second
// is cut off, so that nothing is promised for too long.
func wireTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
