package agent

import (
	"context"

	"github.com/teamcodestream/codestream-agent/agent/internal/team"
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
	alias := func(host providers.SSHHost) (providers.SSHHost, bool) { return a.ssh.Resolve(ctx, host) }
	workspace, others := addresses(instances)
	project := a.provider.ResolveRemote(p.Remote, others, alias)
	if project == nil {
		project = a.provider.ResolveRemote(p.Remote, workspace, alias)
	}
	return project, ctx.Err()
}

// addresses returns where the instances are that a file in the workspace names and
// the user has let be used, and where the others are: a repository takes no remote
// of theirs, whatever it says of its SSH hosts.
func addresses(instances []team.Instance) (workspace, others []providers.Address) {
	for _, in := range instances {
		address := providers.Address{Instance: in.ID, SSHHosts: in.SSHHosts}
		switch {
		case in.NeedsApproval:
		case in.Source == protocol.SourceWorkspace:
			workspace = append(workspace, address)
		default:
			others = append(others, address)
		}
	}
	return workspace, others
}
