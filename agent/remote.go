package agent

import (
	"context"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

func (a *Agent) resolveRemote(ctx context.Context, p protocol.ResolveRemoteParams) (*protocol.RemoteProject, error) {
	s, err := a.ready()
	if err != nil {
		return nil, err
	}
	instances, err := s.team.List()
	if err != nil {
		return nil, err
	}
	addresses := make([]providers.Address, len(instances))
	for i, in := range instances {
		addresses[i] = providers.Address{Instance: in.ID, SSHHosts: in.SSHHosts}
	}
	alias := func(host providers.SSHHost) (providers.SSHHost, bool) { return a.ssh.Resolve(ctx, host) }
	return a.provider.ResolveRemote(p.Remote, addresses, alias), ctx.Err()
}
