//go:build !windows

package registry

import (
	"os"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestAModeIsMendedToo, of which the file's time says nothing.
func TestAModeIsMendedToo(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/credentials.json"
	if err := natstest.WriteCredentials(path, natstest.Member, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	m := meet(t, protocol.Team{Registry: startServer(t, natstest.Options{}).URL, CredentialsFile: path}, nil)
	m.pace.retry = never
	m.run()
	m.awaitCause("credentials")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	m.awaitCause("bucket")
}
