package agent

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// keepRest adds to the parameters and the client secret what they leave out and what
// is known, and returns the instance as it was; none where there is nothing to keep.
func (s *session) keepRest(p *protocol.ConfigureParams, clientSecret *secret.Text) (before team.Instance, err error) {
	if p.URL == "" { // which names the only instance elsewhere
		return before, nil
	}
	before, err = usable(s.team.Resolve(p.URL))
	unsettled := errors.Is(err, protocol.Untrusted) || errors.Is(err, protocol.Conflict) // what files say
	switch {
	case errors.Is(err, protocol.NotConfigured), unsettled && p.ClientID != "":
		return team.Instance{}, nil
	case err != nil:
		return team.Instance{}, err
	}
	p.ClientID = cmp.Or(p.ClientID, before.ClientID)
	if clientSecret.IsEmpty() && p.ClientID == before.ClientID {
		if *clientSecret, err = s.auth.ClientSecret(before.ID); err != nil {
			return before, err
		}
	}
	p.RedirectURI = cmp.Or(p.RedirectURI, before.RedirectURI)
	p.Name = cmp.Or(p.Name, before.Name)
	if p.Scopes == nil {
		p.Scopes = before.Scopes
	}
	if p.SSHHosts == nil {
		p.SSHHosts = before.SSHHosts
	}
	p.AllowHTTP = p.AllowHTTP || before.AllowHTTP
	if before.Source != protocol.SourceTeam { // nobody has asked to share it
		p.Share = cmp.Or(p.Share, protocol.ShareLocal)
	}
	p.Network, err = s.keepNetwork(before, p.Network)
	return before, err
}

// keepNetwork returns the network settings of an instance with what over sets in
// their place.
func (s *session) keepNetwork(before team.Instance, over *protocol.Network) (*protocol.Network, error) {
	n := before.Network
	if before.ProxySealed && (over == nil || over.Proxy == "") {
		proxy, err := s.proxy(before.ID)
		if err != nil {
			return nil, err
		}
		n.Proxy = cmp.Or(proxy.Reveal(), n.Proxy)
	}
	if over != nil {
		n = providers.Override(n, *over)
	}
	if n == (protocol.Network{}) {
		return nil, nil
	}
	return &n, nil
}

// partedWarnings say that what others share is from now on set on this machine.
func partedWarnings(before team.Instance, share protocol.Share) []string {
	shared := before.Source == protocol.SourceTeam || before.Source == protocol.SourceWorkspace
	if !shared || string(before.Source) == string(share) {
		return []string{}
	}
	return []string{fmt.Sprintf("%s follows %s no more: it is set on this machine now. gitlabSM/unconfigure takes that back.", before.ID, before.Origin)}
}
