package sshconfig_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/sshconfig"
	"github.com/teamcodestream/codestream-agent/providers"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// resolver asks the real ssh with a configuration, and gives it all the time that it
// needs on a busy machine.
func resolver(t *testing.T, config string) *sshconfig.Resolver {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("there is no ssh on this machine")
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return &sshconfig.Resolver{File: file, Timeout: time.Hour, Log: slog.New(slog.DiscardHandler)}
}

func TestAnAliasIsResolved(t *testing.T) {
	r := resolver(t, "Host work\n  HostName GitLab.example.com\n  Port 2222\n  User git\nHost *.short\n  HostName %h.example.com\n")
	for _, c := range []struct{ asked, want providers.SSHHost }{
		{providers.SSHHost{Host: "work"}, providers.SSHHost{User: "git", Host: "gitlab.example.com", Port: "2222"}},
		{providers.SSHHost{User: "sam", Host: "work", Port: "22"}, providers.SSHHost{User: "sam", Host: "gitlab.example.com", Port: "22"}},
		{providers.SSHHost{User: "git", Host: "git.short"}, providers.SSHHost{User: "git", Host: "git.short.example.com", Port: "22"}},
		{providers.SSHHost{User: "git", Host: "other.example.org"}, providers.SSHHost{User: "git", Host: "other.example.org", Port: "22"}},
	} {
		for range 2 { // the second is remembered
			if got, ok := r.Resolve(t.Context(), c.asked); got != c.want || !ok {
				t.Errorf("%+v means %+v, %v; want %+v", c.asked, got, ok, c.want)
			}
		}
	}
}

// A remote can come from a hostile repository: CVE-2017-1000117 and its like.
func TestWhatIsNoNameNeverReachesSSH(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	r := resolver(t, "Host *\n  HostName reached.example.com\n")
	for _, asked := range []providers.SSHHost{
		{Host: "-oProxyCommand=touch " + marker}, {Host: "-F/dev/null"}, {Host: ""}, {Host: "a b"}, {Host: "a;touch " + marker},
		{Host: "$(touch " + marker + ")"}, {Host: "a\nb"}, {Host: "a%h"}, {Host: strings.Repeat("a", 300)},
		{User: "-oProxyCommand=touch " + marker, Host: "work"}, {User: "a b", Host: "work"}, {Host: "work", Port: "-1"}, {Host: "work", Port: "22x"},
	} {
		if got, ok := r.Resolve(t.Context(), asked); ok {
			t.Errorf("%+v reached ssh, which says %+v", asked, got)
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command ran")
	}
}

func TestAConfigurationThatSSHRefuses(t *testing.T) {
	r := resolver(t, "Frobnicate yes\n")
	if got, ok := r.Resolve(t.Context(), providers.SSHHost{Host: "work"}); ok {
		t.Errorf("work means %+v", got)
	}
}
