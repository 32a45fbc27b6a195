package registry

import (
	"context"
	"crypto/tls"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a test: what takes longer has gone wrong.
const patience = 60 * time.Second

// A member is somebody of the team, connected to the registry.
type member struct {
	*Registry
	t      *testing.T
	ctx    context.Context
	kept   chan Snapshot // has the newest, if nobody has taken it
	states chan State
}

// startServer starts a registry that ends with the test.
func startServer(t *testing.T, o natstest.Options) *natstest.Server {
	t.Helper()
	s, err := natstest.Start(filepath.Join(t.TempDir(), "registry"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill() })
	return s
}

// join connects somebody with a role and a team key, until the test ends.
func join(t *testing.T, url string, role natstest.Role, teamKey string) *member {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, role, teamKey); err != nil {
		t.Fatal(err)
	}
	return joinWith(t, protocol.Team{Registry: url, CredentialsFile: path}, nil)
}

func joinWith(t *testing.T, team protocol.Team, trust *tls.Config) *member {
	t.Helper()
	m := meet(t, team, trust)
	m.run()
	return m
}

// meet makes a member who is not connected yet, and looks more often than is usual
// whether something has changed.
func meet(t *testing.T, team protocol.Team, trust *tls.Config) *member {
	t.Helper()
	r, err := New(Config{Settings: Settings{Team: team}, TLS: trust, Seen: func(secret.Text) {}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r.pace = pace{retry: usualPace.retry, ping: time.Second, file: 200 * time.Millisecond, bucket: 200 * time.Millisecond, absent: 200 * time.Millisecond}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &member{Registry: r, t: t, ctx: ctx, kept: make(chan Snapshot, 1), states: make(chan State, 1000)}
}

// run connects until the test ends.
func (m *member) run() {
	ctx, cancel := context.WithCancel(m.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.Run(ctx, Listener{
			Keep: func(s Snapshot) error {
				select {
				case <-m.kept:
				default:
				}
				m.kept <- s
				return nil
			},
			Changed: func(s State) { m.states <- s },
		})
	}()
	m.t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// awaitState waits until the connection is as it should be.
func (m *member) awaitState(what string, is func(State) bool) State {
	m.t.Helper()
	for {
		select {
		case s := <-m.states:
			if is(s) {
				return s
			}
		case <-m.ctx.Done():
			m.t.Fatalf("the connection was never %s; it is %+v", what, m.State())
		}
	}
}

// awaitProblem waits for a connection that does not come about.
func (m *member) awaitProblem() *protocol.Error {
	m.t.Helper()
	s := m.awaitState("away", func(s State) bool { return s.Problem != nil })
	return s.Problem.(*protocol.Error)
}

// awaitCause waits until there is no connection for that cause.
func (m *member) awaitCause(cause string) State {
	m.t.Helper()
	return m.awaitState("away by cause "+cause, func(s State) bool {
		return s.Problem != nil && s.Problem.(*protocol.Error).Details.Cause == cause
	})
}

func (m *member) awaitConnection() {
	m.t.Helper()
	m.awaitState("connected", func(s State) bool { return s.Connected })
}

// awaitSnapshot waits for a state of the bucket.
func (m *member) awaitSnapshot(what string, is func(Snapshot) bool) Snapshot {
	m.t.Helper()
	for {
		select {
		case s := <-m.kept:
			if is(s) {
				return s
			}
		case <-m.ctx.Done():
			m.t.Fatalf("the bucket never had %s; the connection is %+v", what, m.State())
		}
	}
}

func (m *member) await(what string, is func([]Entry) bool) []Entry {
	m.t.Helper()
	return m.awaitSnapshot(what, func(s Snapshot) bool { return is(s.Entries) }).Entries
}

// awaitNamed waits until the bucket has one instance, of that name.
func (m *member) awaitNamed(name string) Entry {
	m.t.Helper()
	return m.await("an instance "+name, isNamed(name))[0]
}

func isNamed(name string) func([]Entry) bool {
	return func(entries []Entry) bool { return len(entries) == 1 && entries[0].Instance.Name == name }
}

const (
	testID     = "https://gitlab.example.com"
	testSecret = natstest.SecretPrefix + "-client-secret"
)

// entry is an instance of a name, with a client secret.
func entry(name string) Entry {
	return Entry{
		ID: testID, Instance: protocol.SharedInstance{URL: testID, Name: name, ClientID: "id"},
		Confidential: true, ClientSecret: secret.New(testSecret),
	}
}

// publish publishes what must succeed.
func (m *member) publish(e Entry, revision uint64) uint64 {
	m.t.Helper()
	now, err := m.Publish(m.ctx, e, Version{Revision: revision})
	if err != nil {
		m.t.Fatalf("publish: %+v", err)
	}
	return now.Revision
}
