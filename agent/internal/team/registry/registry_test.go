package registry

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestMembersSeeWhatAMaintainerPublishes plays the life of an instance, with the
// documented configuration.
func TestMembersSeeWhatAMaintainerPublishes(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	sam := join(t, server.URL, natstest.Member, natstest.TeamKey)
	if problem := sam.awaitProblem(); problem.Code != protocol.RegistryUnavailable || problem.Details.Cause != "bucket" {
		t.Fatalf("without a bucket the problem is %+v", problem)
	}
	maintainer := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
	first := maintainer.publish(entry("first"), 0)
	got := sam.awaitNamed("first")
	if got.ClientSecret.Reveal() != testSecret || !got.Confidential || got.Problem != nil || got.Revision != first {
		t.Errorf("the member sees %+v, with revision %d; want the secret and %d", got, got.Revision, first)
	}
	second := maintainer.publish(entry("second"), first)
	sam.awaitNamed("second")

	for _, stale := range []uint64{0, first} {
		if _, err := maintainer.Publish(t.Context(), entry("third"), Version{Revision: stale}); !errors.Is(err, protocol.Conflict) {
			t.Errorf("a publication over revision %d is answered %v, want Conflict", stale, err)
		}
	}
	if _, err := maintainer.Withdraw(t.Context(), testID, Version{Revision: first}); !errors.Is(err, protocol.Conflict) {
		t.Errorf("a withdrawal of a revision that is gone is answered %v, want Conflict", err)
	}
	if _, err := sam.Publish(t.Context(), entry("sam's"), Version{Revision: second}); !errors.Is(err, protocol.Forbidden) {
		t.Errorf("a member's publication is answered %v, want Forbidden", err)
	}
	if _, err := sam.Withdraw(t.Context(), testID, Version{Revision: second}); !errors.Is(err, protocol.Forbidden) {
		t.Errorf("a member's withdrawal is answered %v, want Forbidden", err)
	}
	mark, err := maintainer.Withdraw(t.Context(), testID, Version{Revision: second})
	if err != nil || mark.Bucket == "" || mark.Revision != second+1 {
		t.Fatalf("the withdrawal after revision %d leaves the mark %+v, %v", second, mark, err)
	}
	sam.await("nothing", func(entries []Entry) bool { return len(entries) == 0 })
	maintainer.publish(entry("again"), 0)
	sam.awaitNamed("again")
}

// TestAMemberMakesNoBucket: without one, a member is refused as well, at once.
func TestAMemberMakesNoBucket(t *testing.T) {
	t.Parallel()
	sam := join(t, startServer(t, natstest.Options{}).URL, natstest.Member, natstest.TeamKey)
	sam.awaitProblem()
	if _, err := sam.Publish(t.Context(), entry("sam's"), Version{}); !errors.Is(err, protocol.Forbidden) {
		t.Errorf("a member's first publication is answered %v, want Forbidden", err)
	}
}

func TestASecretNeedsTheTeamKey(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	maintainer := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
	maintainer.awaitProblem()
	keyless := join(t, server.URL, natstest.Maintainer, "")
	keyless.awaitProblem()
	if _, err := keyless.Publish(t.Context(), entry("first"), Version{}); !errors.Is(err, protocol.InvalidParams) {
		t.Errorf("a secret without a team key is answered %v, want InvalidParams", err)
	}
	public := entry("public")
	public.Confidential, public.ClientSecret = false, secret.Text{}
	keyless.publish(public, 0)
	revision := maintainer.awaitNamed("public").Revision
	maintainer.publish(entry("confidential"), revision)
	if got := keyless.awaitNamed("confidential"); !errors.Is(got.Problem, errNoTeamKey) || !got.Confidential || !got.ClientSecret.IsEmpty() {
		t.Errorf("a member without the key sees %+v", got)
	}
	other := join(t, server.URL, natstest.Member, natstest.OtherTeamKey)
	if got := other.awaitNamed("confidential"); !errors.Is(got.Problem, errOtherTeamKey) || !got.ClientSecret.IsEmpty() {
		t.Errorf("a member with another key sees %+v", got)
	}
	if err := natstest.WriteCredentials(other.Team.CredentialsFile, natstest.Member, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	other.await("a secret that opens, once the file is mended", func(entries []Entry) bool {
		return len(entries) == 1 && entries[0].ClientSecret.Reveal() == testSecret
	})
}

// TestTheRegistryComesBack: while it is away writes are refused, and afterwards
// everything is as it was.
func TestTheRegistryComesBack(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	maintainer := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
	maintainer.awaitProblem()
	revision := maintainer.publish(entry("first"), 0)
	maintainer.awaitConnection()
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	maintainer.awaitProblem()
	if _, err := maintainer.Publish(t.Context(), entry("second"), Version{Revision: revision}); !errors.Is(err, protocol.RegistryUnavailable) {
		t.Errorf("a publication while the registry is away is answered %v", err)
	}
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	maintainer.awaitConnection()
	maintainer.awaitNamed("first")
	maintainer.publish(entry("second"), revision)
	maintainer.awaitNamed("second")
}

func TestCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, []byte(`{"user": "member", "password": "natstest-secret-wrong"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, team := range map[string]protocol.Team{
		"a wrong password": {Registry: server.URL, CredentialsFile: path},
		"none":             {Registry: server.URL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problem := joinWith(t, team, nil).awaitProblem()
			if problem.Code != protocol.RegistryUnavailable || problem.Details.Cause != "authorization" {
				t.Errorf("the problem is %+v of cause %q, want authorization", problem, problem.Details.Cause)
			}
		})
	}
}
