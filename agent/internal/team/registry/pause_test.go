package registry

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestMendedCredentialsAreTriedAtOnce: whoever mends the file looks whether that was
// it. The next attempt would be in an hour.
func TestMendedCredentialsAreTriedAtOnce(t *testing.T) {
	t.Parallel()
	server := startServer(t, natstest.Options{})
	for name, text := range map[string]string{
		"of a wrong password": `{"user": "member", "password": "natstest-secret-wrong"}`,
		"of no form":          `{`,
		"that is not there":   "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "credentials.json")
			if text != "" {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			m := meet(t, protocol.Team{Registry: server.URL, CredentialsFile: path}, nil)
			m.pace.retry = never
			m.run()
			m.awaitProblem()
			if err := natstest.WriteCredentials(path, natstest.Member, natstest.TeamKey); err != nil {
				t.Fatal(err)
			}
			m.awaitCause("bucket")
		})
	}
}
