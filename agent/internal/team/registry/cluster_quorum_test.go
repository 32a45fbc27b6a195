//go:build cluster

package registry

import (
	"errors"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// startCluster starts a cluster that ends with the test.
func startCluster(t *testing.T, o natstest.Options) natstest.Cluster {
	t.Helper()
	cluster, err := natstest.StartCluster(t.TempDir(), o)
	t.Cleanup(func() { cluster.Kill() })
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// publishFirst publishes the first instance, once the servers have a leader.
func publishFirst(maintainer *member) {
	maintainer.t.Helper()
	publishOver(maintainer, "first", 0)
}

// publishOver publishes over a revision, once the servers have a leader.
func publishOver(maintainer *member, name string, revision uint64) {
	maintainer.t.Helper()
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for {
		_, err := maintainer.Publish(maintainer.ctx, entry(name), Version{Revision: revision})
		if err == nil || errors.Is(err, protocol.Conflict) { // one that was not acknowledged may have counted
			return
		}
		select {
		case <-retry.C:
		case <-maintainer.ctx.Done():
			maintainer.t.Fatal(err)
		}
	}
}

// TestClusterWithoutAMajorityIsAway for whoever watches the server that is left: it
// takes no write, and so has nothing new. Its connection would go on for ever.
func TestClusterWithoutAMajorityIsAway(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, natstest.Options{})
	publishFirst(join(t, cluster.URL(), natstest.Maintainer, natstest.TeamKey))
	left := join(t, cluster[2].URL, natstest.Maintainer, natstest.TeamKey)
	left.awaitConnection()
	for _, s := range cluster[:2] {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	// At first it may have no answer at all: the leader was one of those that are gone.
	left.awaitCause("quorum")
	if _, err := left.Publish(t.Context(), entry("second"), Version{Revision: 1}); !errors.Is(err, protocol.RegistryUnavailable) {
		t.Errorf("a publication is answered %v", err)
	}
	for _, s := range cluster[:2] {
		if err := s.Up(); err != nil {
			t.Fatal(err)
		}
	}
	left.awaitConnection()
	left.awaitNamed("first")
}
