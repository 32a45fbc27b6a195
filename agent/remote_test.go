package agent

import (
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// The user's own ssh configuration says what a remote means whose host is no
// instance's.
func TestAliasesOfSSHAreResolved(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("there is no ssh on this machine")
	}
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("Host work\n  HostName ssh.example.com\n  Port 2222\nHost main\n  HostName gitlab.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := New(Config{
		Providers: all.Providers(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), DataDir: t.TempDir(), KeyringOff: true, SSHConfig: config,
	})
	a.ssh.Timeout = time.Hour // on a busy machine it may need more than it is given
	if _, err := a.initialize(t.Context(), protocol.InitializeParams{}); err != nil {
		t.Fatal(err)
	}
	defer a.session.close(t.Context())
	for url, hosts := range map[string][]string{"https://gitlab.example.com": nil, "https://git.example.com/root": {"ssh.example.com:2222"}} {
		err := a.session.store.Update(func(tx *store.Tx) error {
			return tx.PutInstance(store.Instance{ID: url, SSHHosts: hosts}, secret.Text{})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for remote, want := range map[string]string{
		"work:group/project.git":              "https://git.example.com/root",
		"git@work:group/project.git":          "https://git.example.com/root",
		"ssh://git@work/group/project":        "https://git.example.com/root",
		"ssh://git@work:22/group/project":     "", // the port that is written counts
		"git+ssh://main/group/project":        "https://gitlab.example.com",
		"main:group/project":                  "https://gitlab.example.com",
		"other:group/project":                 "",
		"https://work/group/project":          "", // no alias of ssh's
		"ssh://-oProxyCommand=true/group/p":   "",
		"-oProxyCommand=true@x:group/project": "",
	} {
		got, err := a.resolveRemote(t.Context(), protocol.ResolveRemoteParams{Remote: remote})
		switch {
		case err != nil:
			t.Errorf("%s: %v", remote, err)
		case got == nil && want != "", got != nil && got.Instance != want:
			t.Errorf("%s belongs to %+v, want %q", remote, got, want)
		}
	}
}
