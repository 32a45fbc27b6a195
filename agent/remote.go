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
	var addresses []providers.Address
	for _, in := range instances {
		if !in.NeedsApproval { // a repository does not say whose another one's remotes are
			addresses = append(addresses, providers.Address{Instance: in.ID, SSHHosts: in.SSHHosts})
		}
	}
	alias := func(host providers.SSHHost) (providers.SSHHost, bool) { return a.ssh.Resolve(ctx, host) }
	return a.provider.ResolveRemote(p.Remote, addresses, alias), ctx.Err()
}
