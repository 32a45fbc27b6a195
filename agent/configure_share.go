package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// sharedWith says with whom an instance is shared.
type sharedWith struct {
	share  protocol.Share
	folder string // of the workspace, for that
	hidden bool   // something that the user has counts more
	moves  bool   // the team goes over to another application
}

// checkShare says with whom an instance is shared, and refuses what cannot be: it
// is asked before GitLab is.
func (a *Agent) checkShare(s *session, share protocol.Share, in store.Instance, clientSecret secret.Text) (to sharedWith, err error) {
	known, err := s.team.Resolve(in.ID)
	switch {
	case err == nil && known.Source == protocol.SourcePolicy:
		return to, setByPolicy(known)
	case err != nil && !errors.Is(err, protocol.NotConfigured) && !errors.Is(err, protocol.Conflict):
		return to, err
	}
	if share == "" {
		share = protocol.ShareLocal
		if s.registry.inUse() != nil || s.registry.unusable() != nil {
			share = protocol.ShareTeam
		}
	}
	to.share = share
	hasNetwork := in.Network != (protocol.Network{})
	switch share {
	case protocol.ShareLocal:
	case protocol.ShareTeam:
		to.moves = known.Source == protocol.SourceTeam && known.ClientID != in.ClientID
		if err := s.registry.unusable(); err != nil {
			return to, err
		}
		if s.registry.inUse() == nil {
			return to, cannotShare(share, "no team registry is set", "Set team.registry and team.credentialsFile in the editor's settings.")
		}
		if hasNetwork {
			return to, cannotShare(share, "network is each machine's own", "Set network in the editor's settings, or in the machine's policy.")
		}
	case protocol.ShareWorkspace:
		to.folder, to.hidden = a.firstFolder(), known.Source == protocol.SourceTeam
		switch {
		case to.folder == "":
			return to, cannotShare(share, "no folder on this machine is open in the editor", "Open the folder of the repository that is to have the file.")
		case !clientSecret.IsEmpty():
			return to, secretInWorkspace(in)
		case hasNetwork:
			return to, cannotShare(share, "network is each machine's own", "Set network in the editor's settings, or in the machine's policy.")
		}
		return to, s.store.View(func(tx *store.Tx) error { return s.workspace.Disputed(tx, to.folder, in) })
	default:
		return to, invalidParams("share is %q; it can be local, team or workspace", share)
	}
	return to, nil
}

// hiddenWarnings say that what was just saved does not count, since a stronger source
// has the instance.
func hiddenWarnings(saved team.Instance, to sharedWith) []string {
	if string(saved.Source) == string(to.share) {
		return nil
	}
	return []string{fmt.Sprintf("%s still comes from %s, which counts more than the file that was just written.", saved.ID, cmp.Or(saved.Origin, "this machine's own settings"))}
}

// cannotShare says why an instance cannot be shared, and what to do about it.
func cannotShare(share protocol.Share, why, hint string) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("the instance cannot be shared with %q: %s", share, why),
		Hint:    hint,
	}
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
// accounts of another application. Nothing is given up where the others cannot have
// the instance.
func (s *session) save(ctx context.Context, from kept, to sharedWith, in store.Instance, clientSecret secret.Text) (warnings []string, err error) {
	in.Confidential = !clientSecret.IsEmpty()
	var leaving foreign
	if !to.hidden {
		if leaving, err = s.foreignAccounts(ctx, in); err != nil {
			return nil, err
		}
	}
	defer leaving.end()
	if err := s.put(ctx, from, to, in, clientSecret, leaving.forget); err != nil {
		return nil, err
	}
	s.news.announce()
	warnings = leaving.revoke(ctx)
	if to.moves {
		warnings = append(warnings, "The team has another application now: whoever is signed in by the one before has to sign in again.")
	}
	return warnings, nil
}

// put puts an instance where those with whom it is shared find it, and takes note
// together with what else changes here.
func (s *session) put(ctx context.Context, from kept, to sharedWith, in store.Instance, clientSecret secret.Text, also func(*store.Tx) error) (err error) {
	unchanged := func(tx *store.Tx) error { return from.unchanged(tx, s.team) }
	keep := func(tx *store.Tx) error { return tx.PutInstance(in, clientSecret) }
	switch to.share {
	case protocol.ShareTeam:
		s.registry.noting.Lock()
		defer s.registry.noting.Unlock()
		keep, err = s.publish(ctx, in, clientSecret, unchanged)
		unchanged = func(*store.Tx) error { return nil } // the registry has compared
	case protocol.ShareWorkspace:
		var draft *team.Draft
		if draft, err = s.workspace.Draft(to.folder, in); err == nil {
			defer draft.Discard()
			keep = func(tx *store.Tx) error { return putDraft(tx, draft, to.folder, in) }
		}
	}
	if err != nil {
		return err
	}
	return s.store.Update(func(tx *store.Tx) error {
		if err := unchanged(tx); err != nil {
			return err
		}
		if err := also(tx); err != nil {
			return err
		}
		return keep(tx)
	})
}

// putDraft replaces a folder's file in the transaction: nobody sees it without the
// approval, or beside what it replaces.
func putDraft(tx *store.Tx, draft *team.Draft, folder string, in store.Instance) error {
	saved := team.Instance{Instance: in, Source: protocol.SourceWorkspace, Folder: folder}
	if err := errors.Join(team.Approve(tx, saved), tx.DropInstance(in.ID)); err != nil {
		return err
	}
	return draft.Put()
}
