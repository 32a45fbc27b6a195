//go:build cluster

package registry

import (
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
)

// TestClusterHoldsTheRoles repeats the attacks of [TestARoleReachesNoFurther] where
// three servers pass on what they are asked.
func TestClusterHoldsTheRoles(t *testing.T) {
	t.Parallel()
	cluster, err := natstest.StartCluster(t.TempDir(), natstest.Options{Operator: true})
	t.Cleanup(func() { cluster.Kill() })
	if err != nil {
		t.Fatal(err)
	}
	maintainer := join(t, cluster.URL(), natstest.Maintainer, natstest.TeamKey)
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for {
		_, err := maintainer.Publish(maintainer.ctx, entry("first"), Version{})
		if err == nil {
			break
		}
		select {
		case <-retry.C: // they have no leader yet
		case <-maintainer.ctx.Done():
			t.Fatal(err)
		}
	}
	for _, role := range []natstest.Role{natstest.Member, natstest.Maintainer} {
		t.Run(string(role), func(t *testing.T) { raid(t, cluster.URL(), role) })
	}
}
