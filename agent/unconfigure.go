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
	if err == nil {
		err = a.withdraw(ctx, s, in)
	}
	if err != nil {
		return protocol.UnconfigureResult{}, err
	}
	accounts := func(tx *store.Tx) ([]store.Account, error) { return tx.AccountsOf(in.ID) }
	if in.Source == protocol.SourceWorkspace {
		s.offers.isNew(in) // so that it is not offered at once
	}
	err = a.signOut(ctx, s, accounts, func(tx *store.Tx) error { return s.forget(tx, in) })
	s.news.announce()
	return protocol.UnconfigureResult{}, err
}

// withdraw takes an instance from where others have it too, or says why that is
// not for this user to do.
func (a *Agent) withdraw(ctx context.Context, s *session, in team.Instance) error {
	switch in.Source {
	case protocol.SourcePolicy:
		return setByPolicy(in)
	case protocol.SourceTeam:
		return s.withdrawShared(ctx, in.ID)
	}
	return nil
}

// forget removes what this machine has of an instance. A file in the workspace
// stays, and offers the instance again: the approval is what is removed.
func (s *session) forget(tx *store.Tx, in team.Instance) error {
	switch in.Source {
	case protocol.SourceTeam:
		return s.shared.Forget(tx, in.ID)
	case protocol.SourceWorkspace:
		return team.Disapprove(tx, in)
	}
	return tx.DeleteInstance(in.ID)
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
