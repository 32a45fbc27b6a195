package agent

import (
	"context"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

func (a *Agent) unconfigure(ctx context.Context, p protocol.UnconfigureParams) (protocol.UnconfigureResult, error) {
	s, err := a.ready()
	if err != nil {
		return protocol.UnconfigureResult{}, err
	}
	if p.Instance == "" {
		return protocol.UnconfigureResult{}, invalidParams("instance is empty; it names the instance to forget")
	}
	in, err := s.team.ResolveLast(p.Instance)
	if err != nil {
		return protocol.UnconfigureResult{}, err
	}
	forget, err := s.withdraw(ctx, in)
	if err != nil {
		return protocol.UnconfigureResult{}, err
	}
	accounts := func(tx *store.Tx) ([]store.Account, error) { return tx.AccountsOf(in.ID) }
	if in.Source == protocol.SourceWorkspace {
		s.offers.isNew(in) // so that it is not offered at once
	}
	err = a.signOut(ctx, s, accounts, forget)
	s.news.announce()
	return protocol.UnconfigureResult{}, err
}

// withdraw takes an instance from where others have it too, or says why that is
// not for this user to do, and returns how this machine forgets it. A file in the
// workspace stays, and offers the instance again: the approval is what is removed.
func (s *session) withdraw(ctx context.Context, in team.Instance) (forget func(*store.Tx) error, err error) {
	switch in.Source {
	case protocol.SourcePolicy:
		return nil, setByPolicy(in)
	case protocol.SourceTeam:
		return s.withdrawShared(ctx, in.ID)
	case protocol.SourceWorkspace:
		return func(tx *store.Tx) error { return team.Disapprove(tx, in) }, nil
	}
	return func(tx *store.Tx) error { return tx.DeleteInstance(in.ID) }, nil
}

func setByPolicy(in team.Instance) error {
	return &protocol.Error{
		Code:     protocol.InvalidParams,
		Message:  in.ID + " is set by the machine's policy in " + in.Origin,
		Hint:     "Only the machine's administrator can change or remove it, in that file.",
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{Cause: protocol.CausePolicy, File: in.Origin},
	}
}
