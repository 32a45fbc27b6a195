package registry

import (
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// waiting is a member who has been told that there is no bucket, connected through what
// counts connections. A slow machine costs them none.
func waiting(t *testing.T, server *natstest.Server, change func(*member)) (*member, *hole) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, natstest.Member, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	var through hole
	m := meet(t, protocol.Team{Registry: "nats://" + through.open(t, server.URL[len("nats://"):]), CredentialsFile: path}, nil)
	m.pace.ping = never
	change(m)
	m.run()
	m.awaitCause("bucket")
	return m, &through
}

// TestTheFirstShareComesByTheSameConnection to whoever waits for it.
func TestTheFirstShareComesByTheSameConnection(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	sam, through := waiting(t, server, func(*member) {})
	join(t, server.URL, natstest.Maintainer, natstest.TeamKey).publish(entry("first"), 0)
	sam.awaitNamed("first")
	if opened := through.opened.Load(); opened != 1 {
		t.Errorf("it took %d connections", opened)
	}
}

// TestWhoeverSharesFirstSeesItAtOnce, and not when it would be time to ask again.
func TestWhoeverSharesFirstSeesItAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, natstest.Maintainer, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	m := meet(t, protocol.Team{Registry: startServer(t, natstest.Options{}).URL, CredentialsFile: path}, nil)
	m.pace.retry, m.pace.absent = never, never
	m.run()
	m.awaitCause("bucket")
	m.publish(entry("first"), 0)
	m.awaitNamed("first")
}

// TestWhoeverWaitsForTheBucketSees that the credentials are others, and that the server
// is away.
func TestWhoeverWaitsForTheBucketSees(t *testing.T) {
	t.Parallel()
	t.Run("new credentials", func(t *testing.T) {
		t.Parallel()
		used := make(chan struct{}, 1)
		sam, _ := waiting(t, startServer(t, natstest.Options{}), func(m *member) {
			m.Seen = func(text secret.Text) {
				if text.Reveal() == natstest.OtherTeamKey {
					select {
					case used <- struct{}{}:
					default:
					}
				}
			}
		})
		if err := natstest.WriteCredentials(sam.Team.CredentialsFile, natstest.Member, natstest.OtherTeamKey); err != nil {
			t.Fatal(err)
		}
		select {
		case <-used:
		case <-sam.ctx.Done():
			t.Error("they are not used")
		}
	})
	t.Run("a lost connection", func(t *testing.T) {
		t.Parallel()
		server := startServer(t, natstest.Options{})
		sam, _ := waiting(t, server, func(m *member) { m.pace.absent = never })
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		sam.awaitState("away", func(s State) bool { return s.Problem != nil && Kind(s.Problem) == "unreached" })
	})
}

// TestABucketThatGoesIsWaitedFor as one that never was.
func TestABucketThatGoesIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{Operator: true})
	sam, _ := waiting(t, server, func(*member) {})
	maintainer := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
	maintainer.publish(entry("first"), 0)
	sam.awaitNamed("first")
	if err := operator(t, server.URL).DeleteStream(t.Context(), testStream); err != nil {
		t.Fatal(err)
	}
	sam.awaitCause("bucket")
	maintainer.publish(entry("second"), 0)
	sam.awaitNamed("second")
}
