//go:build cluster

package registry

import (
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
)

// TestClusterHoldsTheRoles repeats the attacks of [TestARoleReachesNoFurther] where
// three servers pass on what they are asked.
func TestClusterHoldsTheRoles(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, natstest.Options{Operator: true})
	publishFirst(join(t, cluster.URL(), natstest.Maintainer, natstest.TeamKey))
	for _, role := range []natstest.Role{natstest.Member, natstest.Maintainer} {
		t.Run(string(role), func(t *testing.T) { raid(t, operator(t, cluster.URL()), dial(t, cluster.URL(), role), role) })
	}
}
