package team_test

import (
	"cmp"
	"errors"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// TestWhatWasWithdrawnIsThereForRevocationOnly: a sign-in that ends after it finds no
// instance to save an account for, and the tokens of one that ended before can still
// be revoked.
func TestWhatWasWithdrawnIsThereForRevocationOnly(t *testing.T) {
	m := newMate(t, alpha)
	m.keep(alpha, state("a", 1, sharedEntry(sharedID, 1, "s")))
	m.keep(alpha, state("a", 2))
	directory := team.NewDirectory(m.store, gitlabsm.Provider{}, team.Local{}, m.shared)
	err := m.store.View(func(tx *store.Tx) error {
		if in, err := directory.Instance(tx, sharedID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("what was withdrawn is there for a sign-in: %+v, %v", in, err)
		}
		in, clientSecret, err := directory.Application(tx, sharedID, "id")
		if in.ID != sharedID || clientSecret.Reveal() != "s" {
			t.Errorf("the application is %+v, with the secret %q", in, clientSecret.Reveal())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWhoIsStillServed: an account is signed out with its instance, unless there is
// another by which it could have been signed in.
func TestWhoIsStillServed(t *testing.T) {
	account := store.Account{ID: "1", Instance: sharedID, ClientID: "id", Method: protocol.MethodBrowser}
	byToken := store.Account{ID: "1", Instance: sharedID, Method: protocol.MethodToken}
	const file = `{"instances": [{"url": "gitlab.example.com", "clientId": "id"}]}`
	for _, c := range []struct {
		name     string
		file     string // of the workspace
		prepare  func(*mate, *team.Workspace)
		serves   bool
		anyToken bool
	}{
		{name: "nothing else"},
		{name: "an offer", file: file},
		{name: "a trusted workspace", file: file, serves: true, anyToken: true, prepare: func(_ *mate, w *team.Workspace) { w.SetTrusted(true) }},
		{name: "configured here", serves: true, anyToken: true, prepare: func(m *mate, _ *team.Workspace) {
			m.configure(store.Instance{ID: sharedID, ClientID: "id"})
		}},
		{name: "configured here by another application", anyToken: true, prepare: func(m *mate, _ *team.Workspace) {
			m.configure(store.Instance{ID: sharedID, ClientID: "another"})
		}},
		{name: "another window's team", serves: true, anyToken: true, prepare: func(m *mate, _ *team.Workspace) {
			m.keep(beta, state("b", 1, sharedEntry(sharedID, 1, "")))
		}},
		{name: "a team that no window names", prepare: func(m *mate, _ *team.Workspace) {
			m.keep(beta, state("b", 1, sharedEntry(sharedID, 1, "")))
			m.named(beta, 3*24*time.Hour)
		}},
		{name: "a team that a window names again", serves: true, anyToken: true, prepare: func(m *mate, _ *team.Workspace) {
			m.keep(beta, state("b", 1, sharedEntry(sharedID, 1, "")))
			m.named(beta, 3*24*time.Hour)
			m.use(beta)
			m.use(alpha)
		}},
	} {
		m := newMate(t, alpha)
		w, _ := workspace(t, cmp.Or(c.file, `{"instances": []}`))
		m.keep(alpha, state("a", 1, sharedEntry(sharedID, 1, "s")))
		m.keep(alpha, state("a", 2))
		if c.prepare != nil {
			c.prepare(m, w)
		}
		directory := team.NewDirectory(m.store, gitlabsm.Provider{}, team.Local{}, m.shared, w)
		w.Load()
		err := m.store.View(func(tx *store.Tx) error {
			got, err := directory.Serves(tx, account)
			gotToken, tokenErr := directory.Serves(tx, byToken)
			if got != c.serves || gotToken != c.anyToken {
				t.Errorf("%s: the account is served: %v; by a personal access token: %v", c.name, got, gotToken)
			}
			return errors.Join(err, tokenErr)
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func (m *mate) configure(in store.Instance) {
	m.Helper()
	if err := m.store.Update(func(tx *store.Tx) error { return tx.PutInstance(in, secret.Text{}) }); err != nil {
		m.Error(err)
	}
}
