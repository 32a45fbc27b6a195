package agent

import (
	"cmp"
	"context"
	"errors"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// checkShare says with whom an instance is shared, and refuses what cannot be: it
// is asked before GitLab is.
func (a *Agent) checkShare(s *session, share protocol.Share, in store.Instance, clientSecret secret.Text) (protocol.Share, error) {
	known, err := s.team.Resolve(in.ID)
	switch {
	case err == nil && known.Source == protocol.SourcePolicy:
		return "", setByPolicy(known)
	case err != nil && !errors.Is(err, protocol.NotConfigured) && !errors.Is(err, protocol.Conflict):
		return "", err
	}
	if share == "" {
		share = protocol.ShareLocal
		if s.sharing.registry() != nil || s.sharing.unusable() != nil {
			share = protocol.ShareTeam
		}
	}
	hasNetwork := in.Network != (protocol.Network{})
	switch share {
	case protocol.ShareLocal:
	case protocol.ShareTeam:
		if err := s.sharing.unusable(); err != nil {
			return "", err
		}
		if s.sharing.registry() == nil {
			return "", invalidParams("share is %q, and no team registry is set: set team.registry in the editor's settings", share)
		}
		if hasNetwork {
			return "", invalidParams("network is each machine's own, and is not shared: set it in the editor's settings, or in the machine's policy")
		}
	case protocol.ShareWorkspace:
		switch {
		case a.firstFolder() == "":
			return "", invalidParams("share is %q, and no folder on this machine is open in the editor", share)
		case !clientSecret.IsEmpty():
			return "", secretInWorkspace(in)
		case hasNetwork:
			return "", invalidParams("network is each machine's own, and is not shared: set it in the editor's settings, or in the machine's policy")
		}
	default:
		return "", invalidParams("share is %q; it can be local, team or workspace", share)
	}
	return share, nil
}

func secretInWorkspace(in store.Instance) error {
	return &protocol.Error{
		Code:     protocol.InvalidParams,
		Message:  "a client secret cannot be shared by " + protocol.WorkspaceFile + ": everybody who has the repository could read it",
		Hint:     `Untick Confidential in the application's form in GitLab: with PKCE it then needs no secret. Or share the instance with "team", where the registry seals it.`,
		Instance: in.ID,
	}
}

// save saves an instance for those with whom it is shared, and signs out the
// accounts of another application, whose tokens are revoked with the settings that
// were there before. It is not begun where the others cannot have the instance.
func (a *Agent) save(ctx context.Context, s *session, share protocol.Share, in store.Instance, clientSecret secret.Text) (warnings []string, err error) {
	in.Confidential = !clientSecret.IsEmpty()
	keep := func(tx *store.Tx) error { return tx.PutInstance(in, clientSecret) }
	switch share {
	case protocol.ShareTeam:
		keep, err = s.publish(ctx, in, clientSecret)
	case protocol.ShareWorkspace:
		var draft *team.Draft
		if draft, err = s.workspace.Draft(a.firstFolder(), in); err == nil {
			defer draft.Discard()
			keep = func(tx *store.Tx) error { return keepDraft(tx, draft, in) }
		}
	}
	if err != nil {
		return nil, err
	}
	warnings, err = s.dropForeignAccounts(context.WithoutCancel(ctx), in)
	return warnings, errors.Join(err, s.store.Update(keep))
}

// keepDraft puts a folder's file in its place, in the transaction: nobody sees it
// without the approval, or beside what it replaces. It was written before, since a slow
// disk holds up whoever waits for the store.
func keepDraft(tx *store.Tx, draft *team.Draft, in store.Instance) error {
	saved := team.Instance{Instance: in, Source: protocol.SourceWorkspace, Folder: draft.Folder}
	return cmp.Or(team.Approve(tx, saved), tx.DropInstance(in.ID), draft.Keep())
}
