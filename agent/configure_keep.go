package agent

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// kept is an instance as it was when what the parameters leave out was taken from it.
type kept struct {
	team.Instance
	// secret is the client secret, where that is kept too.
	secret secret.Text
}

// unchanged returns Conflict where the instance is another by now: what was kept of it
// would undo that. Where nothing was kept there is nothing to undo.
func (k kept) unchanged(tx *store.Tx, d *team.Directory) error {
	if k.ID == "" {
		return nil
	}
	now, err := d.Instance(tx, k.ID)
	same := err == nil && team.SameSettings(now, k.Instance.Instance)
	if same && !k.secret.IsEmpty() {
		var current secret.Text
		current, err = d.ClientSecret(tx, k.ID)
		same = current == k.secret
	}
	if same || err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return &protocol.Error{
		Code:     protocol.Conflict,
		Message:  "the settings of " + k.ID + " have changed meanwhile, and keeping the ones before would undo that",
		Hint:     "Look at what gitlabSM/status shows by now, and configure again.",
		Instance: k.ID,
		Details:  &protocol.ErrorDetails{Cause: protocol.CauseChanged},
	}
}

// keepRest adds to the parameters and the client secret what they leave out and what
// is known, and returns the instance as it was; none where there is nothing to keep.
func (s *session) keepRest(p *protocol.ConfigureParams, clientSecret *secret.Text) (from kept, err error) {
	if p.URL == "" { // which names the only instance elsewhere
		return from, nil
	}
	before, err := usable(s.team.Resolve(p.URL))
	unsettled := errors.Is(err, protocol.Untrusted) || errors.Is(err, protocol.Conflict) // what files say
	switch {
	case errors.Is(err, protocol.NotConfigured), unsettled && p.ClientID != "":
		return kept{}, nil
	case err != nil:
		return kept{}, err
	case before.Source == protocol.SourceTeam:
		if err := s.unreadable(before.ID); err != nil {
			return kept{}, err
		}
	}
	from.Instance = before
	p.ClientID = cmp.Or(p.ClientID, before.ClientID)
	if clientSecret.IsEmpty() && p.ClientID == before.ClientID {
		if *clientSecret, err = s.auth.ClientSecret(before.ID); err != nil {
			return from, err
		}
		from.secret = *clientSecret
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
	return from, err
}

// unreadable returns what keeps the newest settings of an instance in the team's
// registry from being read: nobody knows what there is to keep.
func (s *session) unreadable(id string) error {
	found, err := s.team.Survey()
	for _, problem := range found.ProblemsOf(protocol.SourceTeam) {
		if known, ok := errors.AsType[*protocol.Error](problem); ok && known.Instance == id {
			return known
		}
	}
	return err
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

// partedWarnings say that an instance follows no more what others share, and what it
// takes to have that again.
func partedWarnings(before team.Instance, share protocol.Share) []string {
	shared := before.Source == protocol.SourceTeam || before.Source == protocol.SourceWorkspace
	switch {
	case shared && share == protocol.ShareLocal:
		return []string{fmt.Sprintf("%s follows %s no more: it is set on this machine now. gitlabSM/unconfigure takes that back, and signs out.", before.ID, before.Origin)}
	case before.Source == protocol.SourceWorkspace && share == protocol.ShareTeam:
		return []string{fmt.Sprintf("%s follows %s no more: the whole team has it now, and gitlabSM/unconfigure withdraws it for everybody.", before.ID, before.Origin)}
	}
	return []string{}
}
