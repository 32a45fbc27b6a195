package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// TestARefusalSaysWhatHasToBeMended holds the causes by which an editor tells the
// registry's refusals from GitLab's.
func TestARefusalSaysWhatHasToBeMended(t *testing.T) {
	r, err := New(Config{Settings: Settings{Team: protocol.Team{Registry: "tls://registry.example.com:4222"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err   error
		code  protocol.Code
		cause string
	}{
		{nats.ErrPermissionViolation, protocol.Forbidden, protocol.CauseRegistry},
		{jetstream.ErrKeyExists, protocol.Conflict, protocol.CauseChanged},
		{errNoTeamKey, protocol.InvalidParams, protocol.CauseTeamKey},
		{badCredentials("registry.json", "it is empty"), protocol.InvalidParams, protocol.CauseCredentials},
		{nats.ErrNoServers, protocol.RegistryUnavailable, "refused"},
	} {
		var told *protocol.Error
		if err := r.writeError("https://gitlab.example.com", insteadOfSharing, c.err); !errors.As(err, &told) || told.Code != c.code || told.Hint == "" || told.Details == nil || told.Details.Cause != c.cause {
			t.Errorf("%v is told as %v, want %s with the cause %s and a hint", c.err, err, c.code, c.cause)
		}
	}
}

// TestAServerThatIsNoneIsToldInWords, not in those of the system: they say nothing of
// what to do, and have ports in them.
func TestAServerThatIsNoneIsToldInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer      func(net.Conn)
		cause, says string
	}{
		"silent":     {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, "timeout", "it does not answer in time"},
		"closes":     {func(net.Conn) {}, "connection", "it has cut the connection off"},
		"breaks off": {func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }, "connection", "it has cut the connection off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := joinWith(t, protocol.Team{Registry: "nats://" + providertest.Listen(t, c.answer)}, nil)
			problem := m.awaitProblem()
			if problem.Details.Cause != c.cause || !strings.HasSuffix(problem.Message, " cannot be used: "+c.says) {
				t.Errorf("the problem is %q of cause %q, want %q and %q", problem.Message, problem.Details.Cause, c.says, c.cause)
			}
		})
	}
}

// TestWhatIsWrongIsToldInWords, also where no server can be had for it in a test.
func TestWhatIsWrongIsToldInWords(t *testing.T) {
	m := meet(t, protocol.Team{Registry: "tls://registry.example.com:4222"}, nil)
	dial := func(fault error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: fault} }
	for _, c := range []struct {
		err         error
		cause, says string
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "registry.example.com", IsNotFound: true}), "connection", "the name registry.example.com is not known here"},
		{dial(&net.DNSError{Err: "server misbehaving", Name: "registry.example.com"}), "connection", "no name server tells the address of registry.example.com"},
		{dial(&net.DNSError{Err: "i/o timeout", Name: "registry.example.com", IsTimeout: true}), "timeout", "it does not answer in time"},
		{fmt.Errorf("asked: %w", context.DeadlineExceeded), "timeout", "it does not answer in time"},
		{jetstream.ErrBucketNotFound, "bucket", "the team has shared no instance there yet, and it has no bucket codestream-team"},
		{nats.ErrConnectionClosed, "connection", "it has cut the connection off"},
		{nats.ErrMaxConnectionsExceeded, "connection", nats.ErrMaxConnectionsExceeded.Error()},
	} {
		problem := m.unavailable(c.err).(*protocol.Error)
		if problem.Details.Cause != c.cause || !strings.HasSuffix(problem.Message, " cannot be used: "+c.says) {
			t.Errorf("%v is told as %q of cause %q, want %q and %q", c.err, problem.Message, problem.Details.Cause, c.says, c.cause)
		}
	}
}

// TestAKindIsWhatHasToBeMended: a server that starts anew is away by several causes, and
// that is one thing to say to a user.
func TestAKindIsWhatHasToBeMended(t *testing.T) {
	m := meet(t, protocol.Team{Registry: "tls://registry.example.com"}, nil)
	away := Kind(m.unavailable(io.EOF))
	for _, err := range []error{nats.ErrNoServers, nats.ErrTimeout} {
		if got := Kind(m.unavailable(err)); got != away {
			t.Errorf("%v is of the kind %q, want %q", err, got, away)
		}
	}
	known := map[string]error{"": nil, away: io.EOF}
	for _, problem := range []error{
		m.unavailable(nats.ErrAuthorization), m.unavailable(nats.ErrPermissionViolation), m.unavailable(jetstream.ErrBucketNotFound),
		badCredentials("a", "it is too large"), badCredentials("a", "others can read it"),
	} {
		if other, ok := known[Kind(problem)]; ok {
			t.Errorf("%v is of the same kind %q as %v", problem, Kind(problem), other)
		}
		known[Kind(problem)] = problem
	}
}
