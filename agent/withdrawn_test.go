package agent_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// team is a team's registry.
type team struct {
	*natstest.Server
	t *testing.T
}

func newTeam(t *testing.T) *team {
	t.Helper()
	server, err := natstest.Start(filepath.Join(t.TempDir(), "registry"), natstest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	return &team{server, t}
}

// join starts an agent with a data directory, whose settings name the registry.
func (o *team) join(role natstest.Role, dataDir string) *running {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, role, natstest.TeamKey); err != nil {
		o.t.Fatal(err)
	}
	return start(o.t, nil).initialize(map[string]any{"initializationOptions": map[string]any{
		"dataDir": dataDir, "team": map[string]any{"registry": o.URL, "credentialsFile": path},
	}})
}

// TestASignOutIsTakenUp: an agent has noted that an instance was withdrawn, and ended
// before it had signed out. The registry has nothing new for the one that begins next.
func TestASignOutIsTakenUp(t *testing.T) {
	gitlab, registry := newSite(t, providertest.Options{}, auth.DefaultRedirectURI), newTeam(t)
	dir := filepath.Join(t.TempDir(), "data")
	maintainer, member := registry.join(natstest.Maintainer, filepath.Join(t.TempDir(), "data")), registry.join(natstest.Member, dir)
	gitlab.configure(maintainer, "")
	if _, err := member.Next(within(t), protocol.DidChangeInstances.Method()); err != nil {
		t.Fatal(err)
	}
	signIn := member.authenticate(protocol.AuthenticateParams{})
	gitlab.approve(signIn)
	if err := <-signIn.ended; err != nil {
		t.Fatal(err)
	}
	member.CloseStdin()
	<-member.Done()
	maintainer.call(protocol.Unconfigure.Method(), protocol.UnconfigureParams{Instance: gitlab.URL()}, nil)

	err := store.New(dir, store.Options{}).Update(func(tx *store.Tx) error {
		places, err := tx.Registries()
		if err != nil || len(places) != 1 {
			return errors.Join(err, errors.New("there is not one registry"))
		}
		place := places[0]
		in, err := tx.SharedInstance(place.Bucket, gitlab.URL())
		in.Withdrawn, place.Sequence = true, in.Revision+1
		return errors.Join(err, tx.NoteShared(in), tx.PutRegistry(place))
	})
	if err != nil {
		t.Fatal(err)
	}
	again := registry.join(natstest.Member, dir)
	if err := gitlab.Await(within(t), "POST", "/oauth/revoke", 1); err != nil {
		t.Fatal(err)
	}
	again.notify(protocol.Exit.Method(), nil) // which waits for what is under way
	<-again.Done()
	err = store.New(dir, store.Options{}).View(func(tx *store.Tx) error {
		accounts, err := tx.Accounts()
		shared, sharedErr := tx.SharedInstances()
		if len(accounts)+len(shared) > 0 {
			t.Errorf("there is still %+v, %+v", accounts, shared)
		}
		return errors.Join(err, sharedErr)
	})
	if err != nil {
		t.Fatal(err)
	}
}
