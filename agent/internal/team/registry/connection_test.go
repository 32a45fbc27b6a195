package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

const never = time.Hour

// TestAConnectionThatHangsIsGivenUp: after a suspend or the end of a VPN nothing comes
// any more, and nobody says so. Each way to notice it does by itself.
func TestAConnectionThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pace pace
		use  func(*member)
	}{
		"by pings":                 {pace{ping: time.Second, file: never, bucket: never}, func(*member) {}},
		"by asking for the bucket": {pace{ping: never, file: never, bucket: time.Second}, func(*member) {}},
		"by a write that is waiting": {pace{ping: never, file: never, bucket: never}, func(m *member) {
			if _, err := m.Publish(m.ctx, entry("second"), Version{Revision: 1}); !errors.Is(err, protocol.RegistryUnavailable) {
				m.t.Errorf("a write that is not answered is answered %v", err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, natstest.Options{})
			first := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
			first.awaitProblem()
			first.publish(entry("first"), 0)
			path := filepath.Join(t.TempDir(), "credentials.json")
			if err := natstest.WriteCredentials(path, natstest.Maintainer, natstest.TeamKey); err != nil {
				t.Fatal(err)
			}
			var hole hole
			m := meet(t, protocol.Team{Registry: "nats://" + hole.open(t, server.URL[len("nats://"):]), CredentialsFile: path}, nil)
			m.pace.ping, m.pace.file, m.pace.bucket = c.pace.ping, c.pace.file, c.pace.bucket
			m.run()
			m.awaitNamed("first")
			m.awaitConnection()
			hole.hangs.Store(true)
			c.use(m)
			if problem := m.awaitProblem(); problem.Details.Cause != "timeout" {
				t.Errorf("the problem is %+v of cause %q, want timeout", problem, problem.Details.Cause)
			}
			hole.hangs.Store(false)
			m.awaitConnection()
		})
	}
}

// A hole is what is between a client and a server, until it hangs: connections stay,
// and what goes in does not come out.
type hole struct {
	hangs  atomic.Bool
	opened atomic.Int64 // so many connections
}

func (h *hole) open(t *testing.T, server string) (address string) {
	return providertest.Listen(t, func(client net.Conn) {
		h.opened.Add(1)
		if h.hangs.Load() {
			return
		}
		conn, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer conn.Close()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.pass(client, conn)
			client.Close()
		}()
		h.pass(conn, client)
		conn.Close()
		<-ended
	})
}

func (h *hole) pass(to io.Writer, from io.Reader) {
	some := make([]byte, 4096)
	for {
		n, err := from.Read(some)
		if err != nil {
			return
		}
		if h.hangs.Load() {
			continue
		}
		if _, err := to.Write(some[:n]); err != nil {
			return
		}
	}
}

// TestTheReasonIsTheNewest: a registry that is away for another reason by now is told
// with that, and one that is away for the same is not told again.
func TestTheReasonIsTheNewest(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	sam := join(t, server.URL, natstest.Member, natstest.TeamKey)
	first := sam.awaitState("away", func(s State) bool { return s.Problem != nil })
	if cause := first.Problem.(*protocol.Error).Details.Cause; cause != "refused" {
		t.Errorf("a server that is down is away by cause %q", cause)
	}
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	second := sam.awaitCause("bucket")
	if !second.Since.Equal(first.Since) {
		t.Errorf("it is away since %v, and was since %v", second.Since, first.Since)
	}
	if now := sam.State(); now.Problem.(*protocol.Error).Details.Cause != "bucket" {
		t.Errorf("the state is %+v", now)
	}
}

func TestASameReasonIsToldOnce(t *testing.T) {
	m := meet(t, protocol.Team{Registry: "tls://registry.example.com"}, nil)
	told := 0
	l := Listener{Changed: func(State) { told++ }}
	away := func(text string) error { return m.unavailable(errors.New(text)) }
	for _, step := range []struct {
		connected bool
		problem   error
		want      int
	}{
		{false, away("read from port 1000"), 1},
		{false, away("read from port 1001"), 1},
		{false, badCredentials("a", "it is too large"), 2},
		{false, badCredentials("a", "others can read it"), 3},
		{true, nil, 4},
		{true, nil, 4},
	} {
		m.set(l, step.connected, step.problem)
		if told != step.want || m.State().Problem != step.problem {
			t.Errorf("after %v, %v it was told %d times and is %v", step.connected, step.problem, told, m.State().Problem)
		}
	}
}

// TestASessionLeavesNothing behind in a context that goes on.
func TestASessionLeavesNothing(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, natstest.Member, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	m := meet(t, protocol.Team{Registry: server.URL, Name: "other", CredentialsFile: path}, nil)
	ctx := counting{m.ctx, new(atomic.Int64)}
	for range 3 {
		if err := m.session(ctx, Listener{}); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Fatalf("a session of another team's member ends with %v", err)
		}
	}
	if left := ctx.waiting.Load(); left != 0 {
		t.Errorf("%d functions wait for the end of the context", left)
	}
}

// TestASessionThatEndsEarlyLeavesNothing: more records are on their way than the client
// has room for. That no goroutine waits for somebody to take them TestMain sees.
func TestASessionThatEndsEarlyLeavesNothing(t *testing.T) {
	t.Parallel()
	_, maintainer, _, js := shared(t, "first")
	value, err := encode(entry("first"), ourKey)
	if err != nil {
		t.Fatal(err)
	}
	const records = 600
	for i := range records {
		key := keyOf(fmt.Sprintf("https://%d.example.com", i))
		if _, err := js.PublishAsync("$KV."+testBucket+"."+key, value); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	m := meet(t, maintainer.Team, nil)
	ctx, cancel := context.WithCancel(m.ctx)
	defer cancel()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	m.Seen = func(secret.Text) {
		for conn := m.watching(); conn != nil && conn.conn.Stats().InMsgs < records && m.ctx.Err() == nil; {
			<-again.C
		}
		if m.watching() != nil { // it is one of a record's
			cancel()
		}
	}
	if err := m.session(ctx, Listener{}); ctx.Err() == nil {
		t.Errorf("the session ends by itself with %v", err)
	}
}

// counting counts what waits for a context's end.
type counting struct {
	context.Context
	waiting *atomic.Int64
}

func (c counting) Value(any) any { return nil } // what is inside is not to be found

func (c counting) AfterFunc(f func()) func() bool {
	c.waiting.Add(1)
	stop := context.AfterFunc(c.Context, f)
	return func() bool {
		stopped := stop()
		if stopped {
			c.waiting.Add(-1)
		}
		return stopped
	}
}

// TestALookUpEndsWithItsContext: it is not parallel, since it takes the resolver from
// all others.
func TestALookUpEndsWithItsContext(t *testing.T) {
	usual := net.DefaultResolver
	defer func() { net.DefaultResolver = usual }()
	asked, release := make(chan struct{}, 100), make(chan struct{})
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asked <- struct{}{}
		<-release
		return nil, errors.New("nobody answers")
	}}
	m := meet(t, protocol.Team{Registry: "tls://registry.example.com"}, nil)
	ctx, cancel := context.WithCancel(m.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = m.session(ctx, Listener{})
	}()
	<-asked
	cancel()
	select {
	case <-ended:
	case <-m.ctx.Done():
		t.Error("the session goes on without its context")
	}
	close(release)
	<-ended
}

// TestACancelledWriteSaysSo, with a connection and without.
func TestACancelledWriteSaysSo(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	m := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
	m.awaitProblem()
	m.publish(entry("first"), 0)
	m.awaitConnection()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	refused := func(when string) {
		if _, err := m.Publish(ctx, entry("second"), Version{Revision: 1}); err != context.Canceled {
			t.Errorf("%s, a cancelled publication is answered %v", when, err)
		}
		if _, err := m.Withdraw(ctx, testID, Version{Revision: 1}); err != context.Canceled {
			t.Errorf("%s, a cancelled withdrawal is answered %v", when, err)
		}
	}
	refused("connected")
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	m.awaitProblem()
	refused("away")
}

// TestAWriteOutlivesASession: where a session ends, since the credentials or the bucket
// are others, what waits for its turn is not told that the registry is away.
func TestAWriteOutlivesASession(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, natstest.Maintainer, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	m := meet(t, protocol.Team{Registry: startServer(t, natstest.Options{}).URL, CredentialsFile: path}, nil)
	m.pace.bucket = never // it would wait for its turn too
	m.run()
	m.awaitProblem()
	m.publish(entry("first"), 0)
	m.awaitConnection()
	conn := m.watching()
	begun, release, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		written <- conn.do(m.ctx, func(context.Context) error {
			close(begun)
			<-release
			return conn.conn.Flush()
		})
	}()
	<-begun
	if err := natstest.WriteCredentials(m.Team.CredentialsFile, natstest.Maintainer, natstest.OtherTeamKey); err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for m.watching() == conn { // the session has not ended
		select {
		case <-again.C:
		case <-m.ctx.Done():
			t.Fatal("new credentials do not end the session")
		}
	}
	close(release)
	if err := <-written; err != nil {
		t.Errorf("the request under way is cut off: %v", err)
	}
	if err := conn.do(m.ctx, func(context.Context) error { return conn.conn.Flush() }); err != nil && !errors.Is(err, errClosed) {
		t.Errorf("a request that waits is answered %v", err)
	}
	m.publish(entry("second"), 1)
}

// TestWhatNobodyHasSeenIsNotWithdrawn: it may be somebody else's.
func TestWhatNobodyHasSeenIsNotWithdrawn(t *testing.T) {
	t.Parallel()
	_, maintainer, sam, _ := shared(t, "first")
	if _, err := maintainer.Withdraw(t.Context(), testID, Version{}); err != nil {
		t.Errorf("it is answered %v", err)
	}
	maintainer.publish(entry("second"), 1) // the revision is as it was
	sam.awaitNamed("second")
}
