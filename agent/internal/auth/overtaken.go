package auth

import (
	"errors"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// While a user is in the browser, their instance can change: it is removed here, in
// another window or by a team mate, its file says something else, or the workspace is
// trusted no longer. What they would approve there then serves nobody. So a sign-in
// that waits is ended as soon as that is seen, and one that has come back is looked at
// once more when it is saved.

// EndOvertaken ends the sign-ins that wait for their users, and that could not be
// saved any more. It is called when an instance may have changed. Whoever waits gets
// NotConfigured where the instance is gone, Conflict where its application is another,
// and else why it may not be used.
func (m *Manager) EndOvertaken() {
	for _, s := range m.pending.all() {
		if !s.waits() {
			continue
		}
		err := m.Store.View(func(tx *store.Tx) error {
			_, err := m.stillOffered(tx, s.instance.ID, s.instance.ClientID)
			return err
		})
		var why *protocol.Error
		if errors.As(err, &why) && why.Instance == s.instance.ID {
			m.Log.Info("a sign-in was overtaken", "instance", s.instance.ID, "error", err)
			s.finish()
			s.cancel(why)
		}
	}
}

// stillOffered returns the instance of a sign-in, by an application or by none, as it
// is now. Its errors about the instance are for the user.
func (m *Manager) stillOffered(tx *store.Tx, id, applicationID string) (store.Instance, error) {
	in, err := m.Instances.Instance(tx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return in, removed(id)
	case err == nil && applicationID != "" && in.ClientID != applicationID:
		return in, &protocol.Error{
			Code:     protocol.Conflict,
			Message:  id + " was given another application while you signed in",
			Hint:     "Sign in again: that goes by the new one.",
			Instance: id,
			Details:  &protocol.ErrorDetails{Cause: protocol.CauseChanged},
		}
	}
	return in, err
}

func removed(id string) error {
	return &protocol.Error{
		Code:     protocol.NotConfigured,
		Message:  id + " was removed or withdrawn while you signed in",
		Hint:     "You can close the page in the browser. Sign in again when the instance is back: it is configured here, by whoever shares it with the team, or in a file of the workspace.",
		Instance: id,
	}
}
