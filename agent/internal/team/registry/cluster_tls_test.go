//go:build cluster

package registry

import (
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestClusterWithTLS has three servers with the certificates of a company's own
// authority, for clients and for each other, of which one is lost.
func TestClusterWithTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, o := certify(t, dir)
	cluster := startCluster(t, o)
	path := filepath.Join(dir, "credentials.json")
	if err := natstest.WriteCredentialsFor(path, natstest.Maintainer, natstest.TeamKey, cluster.URL()); err != nil {
		t.Fatal(err)
	}
	at := protocol.Team{Registry: cluster.URL(), CredentialsFile: path}
	if cause := joinWith(t, at, trust(t, "")).awaitProblem().Details.Cause; cause != "certificate" {
		t.Errorf("who does not know the authority has the problem %q, want certificate", cause)
	}
	m := joinWith(t, at, trust(t, authority.File))
	publishFirst(m)
	m.awaitNamed("first")
	if err := cluster[0].Kill(); err != nil {
		t.Fatal(err)
	}
	publishOver(m, "second", 1)
	m.awaitNamed("second")
}
