package agent

import (
	"context"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// host returns the API of the instance as the account sees it.
func (a *Agent) host(instance, account string) (providers.Host, error) {
	t, err := a.resolve(instance, account)
	if err != nil {
		return nil, err
	}
	client, err := t.session.auth.Client(t.instance.Instance, t.account.Key())
	if err != nil {
		return nil, err
	}
	return a.provider.Host(t.instance.ID, client), nil
}

func (a *Agent) callAPI(ctx context.Context, p protocol.CallAPIParams) (protocol.CallAPIResult, error) {
	host, err := a.host(p.Instance, p.Account)
	if err != nil {
		return protocol.CallAPIResult{}, err
	}
	return host.Call(ctx, p)
}

func (a *Agent) currentUser(ctx context.Context, p protocol.CurrentUserParams) (protocol.User, error) {
	host, err := a.host(p.Instance, p.Account)
	if err != nil {
		return protocol.User{}, err
	}
	return host.CurrentUser(ctx)
}
