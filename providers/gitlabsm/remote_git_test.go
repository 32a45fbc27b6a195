package gitlabsm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// TestRemotesAreReadAsGitReadsThem has git itself call an ssh, and compares where it
// sends that with what the provider makes of the same remote.
func TestRemotesAreReadAsGitReadsThem(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil || runtime.GOOS == "windows" {
		t.Skip("this needs git, and a shell's way of naming programs")
	}
	for _, remote := range []string{
		"work:group/project.git", "git@work:group/project.git", "git@work:/group/project.git", "w:group/project.git", "git@w:group/project.git",
		"[work]:group/project.git", "[git@work]:group/project.git", "git@[work]:group/project.git",
		"[work:2222]:group/project.git", "[git@work:2222]:group/project.git", "git@[work:2222]:group/project.git",
		"[2001:db8::1]:group/project.git", "git@[2001:db8::1]:group/project.git", "[git@2001:db8::1]:group/project.git", "[::1]:group/project.git",
		"ssh://work/group/project.git", "ssh://git@work:2222/group/project.git", "ssh://git@[2001:db8::1]:2222/group/project.git", "git+ssh://w/group/project.git",
		"./work:group/project.git", "/work:group/project.git", "work/group:project.git", "work/group/project.git",
	} {
		var asked providers.SSHHost
		gitlabsm.Provider{}.ResolveRemote(remote, []providers.Address{at("https://gitlab.example.com")}, func(host providers.SSHHost) (providers.SSHHost, bool) {
			asked = host
			return providers.SSHHost{}, false
		})
		if want := askGit(t, remote); asked != want {
			t.Errorf("%s: ssh is asked for %+v, git goes to %+v", remote, asked, want)
		}
	}
}

// askGit returns where git goes by ssh; nowhere for a remote that is a path to it.
func askGit(t *testing.T, remote string) (host providers.SSHHost) {
	t.Helper()
	dir := t.TempDir()
	ssh, told := filepath.Join(dir, "ssh"), filepath.Join(dir, "told")
	if err := os.WriteFile(ssh, []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" >'"+told+"'\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "ls-remote", remote)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_SSH="+ssh, "GIT_SSH_VARIANT=ssh", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	_ = cmd.Run() // it fails, since that ssh does
	args, err := os.ReadFile(told)
	if err != nil {
		return providers.SSHHost{}
	}
	words := strings.Split(strings.TrimSpace(string(args)), "\n")
	if i := slices.Index(words, "-p"); i >= 0 {
		host.Port = words[i+1]
	}
	host.Host = words[len(words)-2] // before the command
	if at := strings.LastIndexByte(host.Host, '@'); at >= 0 {
		host.User, host.Host = host.Host[:at], host.Host[at+1:]
	}
	return host
}
