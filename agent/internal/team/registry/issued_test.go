package registry

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// issued is a registry that knows people by the tokens of an issuer.
type issued struct {
	*natstest.Server
	issuer *natstest.Issuer
}

func startIssued(t *testing.T) issued {
	t.Helper()
	server, issuer, err := natstest.StartIssued(filepath.Join(t.TempDir(), "registry"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	i := issued{server, issuer}
	// A server loads an account for the first who signs in, and whoever signs in
	// meanwhile may find it without its imports.
	for _, role := range []natstest.Role{natstest.Operator, natstest.Member, natstest.Maintainer} {
		dialWith(t, i.URL, i.creds(t, role))
	}
	return i
}

// creds writes a creds file, for this registry only.
func (i issued) creds(t *testing.T, role natstest.Role, denied ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "team.creds")
	if err := i.issuer.WriteCreds(path, role, natstest.TeamKey, i.URL, denied...); err != nil {
		t.Fatal(err)
	}
	return path
}

func (i issued) join(t *testing.T, role natstest.Role, denied ...string) *member {
	t.Helper()
	return joinWith(t, protocol.Team{Registry: i.URL, CredentialsFile: i.creds(t, role, denied...)}, nil)
}

// TestCreds plays the life of an instance where people have a token and a key.
func TestCreds(t *testing.T) {
	t.Parallel()
	server := startIssued(t)
	sam := server.join(t, natstest.Member)
	if problem := sam.awaitProblem(); problem.Details.Cause != "bucket" {
		t.Fatalf("without a bucket the problem is %+v", problem)
	}
	maintainer := server.join(t, natstest.Maintainer)
	first := maintainer.publish(entry("first"), 0)
	if got := sam.awaitNamed("first"); got.ClientSecret.Reveal() != testSecret || got.Problem != nil {
		t.Errorf("the member sees %+v", got)
	}
	if _, err := sam.Publish(t.Context(), entry("sam's"), Version{Revision: first}); !errors.Is(err, protocol.Forbidden) {
		t.Errorf("a member's publication is answered %v, want Forbidden", err)
	}
	if _, err := maintainer.Withdraw(t.Context(), testID, Version{Revision: first}); err != nil {
		t.Fatal(err)
	}
	sam.await("nothing", func(entries []Entry) bool { return len(entries) == 0 })
}

// TestCredsOfAnotherIssuer are refused, as wrong passwords are.
func TestCredsOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	server, other := startIssued(t), startIssued(t)
	path := filepath.Join(t.TempDir(), "team.creds")
	if err := other.issuer.WriteCreds(path, natstest.Maintainer, natstest.TeamKey, server.URL); err != nil {
		t.Fatal(err)
	}
	m := joinWith(t, protocol.Team{Registry: server.URL, CredentialsFile: path}, nil)
	if problem := m.awaitProblem(); problem.Code != protocol.RegistryUnavailable || problem.Details.Cause != "authorization" {
		t.Errorf("the problem is %+v of cause %q, want authorization", problem, problem.Details.Cause)
	}
	if _, err := m.Publish(t.Context(), entry("first"), Version{}); !errors.Is(err, protocol.RegistryUnavailable) {
		t.Errorf("a publication is answered %v", err)
	}
}

// TestARoleByTokenReachesNoFurther repeats the attacks of [TestARoleReachesNoFurther].
func TestARoleByTokenReachesNoFurther(t *testing.T) {
	t.Parallel()
	server := startIssued(t)
	maintainer := server.join(t, natstest.Maintainer)
	maintainer.awaitProblem()
	maintainer.publish(entry("first"), 0)
	js := jetStreamOf(t, dialWith(t, server.URL, server.creds(t, natstest.Operator)))
	for _, role := range []natstest.Role{natstest.Member, natstest.Maintainer} {
		t.Run(string(role), func(t *testing.T) { raid(t, js, dialWith(t, server.URL, server.creds(t, role)), role) })
	}
}

// TestAWriteNeedsNoRightToUpdate: what is put on the bucket beside a write is not what
// was asked for.
func TestAWriteNeedsNoRightToUpdate(t *testing.T) {
	t.Parallel()
	server := startIssued(t)
	maintainer := server.join(t, natstest.Maintainer, "bucket.STREAM.UPDATE.>")
	maintainer.awaitProblem()
	first := maintainer.publish(entry("first"), 0)
	maintainer.publish(entry("second"), first)
	maintainer.awaitNamed("second")
	stream, err := jetStreamOf(t, dialWith(t, server.URL, server.creds(t, natstest.Operator))).Stream(t.Context(), testStream)
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().Config.ConsumerLimits.InactiveThreshold; got != 0 {
		t.Errorf("the bucket has been given the limit %v, which this maintainer may not", got)
	}
}
