package gitlabsm_test

import (
	"runtime"
	"testing"

	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// at makes an instance with its SSH hosts.
func at(instance string, sshHosts ...string) providers.Address {
	return providers.Address{Instance: instance, SSHHosts: sshHosts}
}

type remoteCase struct {
	remote  string
	want    string // the instance; "" for none
	project string
}

func checkRemotes(t *testing.T, among []providers.Address, cases []remoteCase) {
	t.Helper()
	for _, c := range cases {
		switch got := (gitlabsm.Provider{}).ResolveRemote(c.remote, among, nil); {
		case got == nil && c.want == "":
		case got == nil:
			t.Errorf("%q: got nothing, want %s on %s", c.remote, c.project, c.want)
		case got.Instance != c.want || got.ProjectPath != c.project:
			t.Errorf("%q: got %s on %s, want %q on %q", c.remote, got.ProjectPath, got.Instance, c.project, c.want)
		}
	}
}

func TestResolveRemoteForms(t *testing.T) {
	const plain, port, six = "https://gitlab.example.com", "https://gitlab.example.org:8443", "https://[2001:db8::1]:8443"
	checkRemotes(t, []providers.Address{at(plain), at(port), at(six)}, []remoteCase{
		{"https://gitlab.example.com/group/project.git", plain, "group/project"},
		{"https://gitlab.example.com/group/project", plain, "group/project"},
		{"https://gitlab.example.com/group/project.git/", plain, "group/project"},
		{"https://gitlab.example.com/group/project/", plain, "group/project"},
		{"https://gitlab.example.com//group/project.git", plain, "group/project"},
		{" https://gitlab.example.com/group/project.git\n", plain, "group/project"},
		{"HTTPS://GitLab.Example.com/Group/Project.git", plain, "Group/Project"},
		{"https://gitlab.example.com:443/group/project.git", plain, "group/project"},
		{"https://oauth2:secret@gitlab.example.com/group/project.git", plain, "group/project"},
		{"https://sam@gitlab.example.com:443/group/sub/sub2/project.git", plain, "group/sub/sub2/project"},
		{"https://gitlab.example.com/gr%6Fup/project.git", plain, "group/project"},
		{"https://gitlab.example.com/gitlab/project.git", plain, "gitlab/project"},
		{"https://gitlab.example.com/group/project.github.io.git", plain, "group/project.github.io"},
		{"https://gitlab.example.org:8443/group/project.git", port, "group/project"},
		{"https://sam@gitlab.example.org:8443/group/project.git", port, "group/project"},
		{"https://[2001:DB8::1]:8443/group/project.git", six, "group/project"},

		{"git@gitlab.example.com:group/project.git", plain, "group/project"},
		{"gitlab.example.com:group/project.git", plain, "group/project"},
		{"@gitlab.example.com:group/project.git", plain, "group/project"},
		{"GIT@GITLAB.EXAMPLE.COM:group/project", plain, "group/project"},
		{"git@gitlab.example.com:/group/project.git", plain, "group/project"},
		{"git@gitlab.example.com:group/sub/project.git/", plain, "group/sub/project"},
		{"git@gitlab.example.com:group/project@v1:2.git", plain, "group/project@v1:2"},
		{"git@[2001:db8::1]:group/project.git", six, "group/project"},
		{"[git@2001:db8::1]:group/project.git", six, "group/project"},
		{"[git@gitlab.example.com]:group/project.git", plain, "group/project"},
		{"[git@gitlab.example.com:2222]:group/project.git", plain, "group/project"},
		{"[2001:db8::1]:group/project.git", six, "group/project"},
		{"ssh://git@gitlab.example.com/group/project.git", plain, "group/project"},
		{"ssh://gitlab.example.com:2222/group/project.git", plain, "group/project"},
		{"ssh://git@gitlab.example.org:22/group/project.git", port, "group/project"},
		{"SSH://git@gitlab.example.com/group/project.git", plain, "group/project"},
		{"git+ssh://git@gitlab.example.com/group/project.git", plain, "group/project"},
		{"ssh+git://git@gitlab.example.com:22/group/project.git", plain, "group/project"},
		{"ssh://git@[2001:db8::1]:2222/group/project.git", six, "group/project"},
	})
}

func TestResolveRemoteToNothing(t *testing.T) {
	checkRemotes(t, []providers.Address{at("https://gitlab.example.com"), at("https://gitlab.example.org:8443"), at("https://letter")}, []remoteCase{
		{remote: ""},
		{remote: "https://example.com/group/project.git"},
		{remote: "http://gitlab.example.com/group/project.git"},
		{remote: "https://gitlab.example.com:8443/group/project.git"},
		{remote: "https://gitlab.example.org/group/project.git"},
		{remote: "https://gitlab.example.com.evil.org/group/project.git"},
		{remote: "https://evil.org/gitlab.example.com/group/project.git"},
		{remote: "https://gitlab.example.com@evil.org/group/project.git"},
		{remote: "git@gitlab.example.com.evil.org:group/project.git"},
		{remote: "git@evil.org:gitlab.example.com/project.git"},
		{remote: "https://gitlab.example.com"},
		{remote: "https://gitlab.example.com/"},
		{remote: "https://gitlab.example.com/project.git"},
		{remote: "https://gitlab.example.com/group/.git"},
		{remote: "https://gitlab.example.com/group//project.git"},
		{remote: "https://gitlab.example.com/group/../project.git"},
		{remote: "https://gitlab.example.com/%2e%2e/project.git"},
		{remote: "git@gitlab.example.com:project.git"},
		{remote: "git@gitlab.example.com:"},
		{remote: "git@gitlab.example.com"},
		{remote: "git://gitlab.example.com/group/project.git"},
		{remote: "ftp://gitlab.example.com/group/project.git"},
		{remote: "file:///srv/gitlab.example.com/group/project.git"},
		{remote: "/srv/gitlab.example.com:group/project.git"},
		{remote: "./gitlab.example.com:group/project.git"},
		{remote: "../group/project.git"},
		{remote: `C:\src\group\project`},
		{remote: "C:/src/group/project.git"},
		{remote: "c:src/project.git"},
		{remote: "[gitlab.example.com]/group/project"},
		{remote: "https://%zz/group/project.git"},
		{remote: "https:///group/project.git"},
		{remote: "git@gitlab.example.com:group/pro\nject.git"},
		{remote: "https://gitlab.example.com/group/%1b[31mproject.git"},
		{remote: "https://gitlab.example.com/group/%e2%80%aeproject.git"},
		{remote: "git@gitlab.example.com:group/\xff.git"},
	})
}

// A letter is a host to git, but on Windows, where it is a drive.
func TestResolveRemoteWithAHostOfOneLetter(t *testing.T) {
	const instance = "https://c"
	letter := remoteCase{"c:group/project.git", instance, "group/project"}
	if runtime.GOOS == "windows" {
		letter = remoteCase{remote: "c:group/project.git"}
	}
	checkRemotes(t, []providers.Address{at(instance)}, []remoteCase{letter, {"git@c:group/project.git", instance, "group/project"}})
}

func TestResolveRemoteBelowARoot(t *testing.T) {
	const rooted = "https://example.com/GitLab"
	checkRemotes(t, []providers.Address{at(rooted)}, []remoteCase{
		{"https://example.com/GitLab/group/project.git", rooted, "group/project"},
		{"https://example.com/GitLab/GitLab/project.git", rooted, "GitLab/project"},
		{"git@example.com:group/project.git", rooted, "group/project"},
		{"git@example.com:GitLab/project.git", rooted, "GitLab/project"},
		{remote: "https://example.com/gitlab/group/project.git"},
		{remote: "https://example.com/GitLabs/group/project.git"},
		{remote: "https://example.com/group/project.git"},
		{remote: "https://example.com/GitLab/project.git"},
	})
	const spaced = "https://example.com/my%20gitlab"
	checkRemotes(t, []providers.Address{at(spaced)}, []remoteCase{
		{"https://example.com/my%20gitlab/group/project.git", spaced, "group/project"},
	})
}

// Over http(s) the root tells two instances apart. Over ssh nothing does: a guess
// would open the issues of another company.
func TestResolveRemoteWithTwoInstancesOnOneHost(t *testing.T) {
	const top, rooted, port = "https://example.com", "https://example.com/gitlab", "https://example.com:8443"
	web := []remoteCase{
		{"https://example.com/group/project.git", top, "group/project"},
		{"https://example.com/gitlab/group/project.git", rooted, "group/project"},
		{"https://example.com/gitlab/project.git", top, "gitlab/project"},
		{"https://example.com:8443/gitlab/project.git", port, "gitlab/project"},
		{remote: "git@example.com:group/project.git"},
		{remote: "ssh://git@example.com:2222/group/project.git"},
	}
	for _, among := range [][]providers.Address{
		{at(top), at(rooted), at(port)},
		{at(port), at(rooted), at(top)},
		{at(rooted), at(top), at(port)},
	} {
		checkRemotes(t, among, web)
	}
	checkRemotes(t, []providers.Address{at(top), at(rooted, "example.com:2222")}, []remoteCase{
		{"ssh://git@example.com:2222/group/project.git", rooted, "group/project"},
		{remote: "git@example.com:group/project.git"},
	})
}

func TestResolveRemoteBySSHHost(t *testing.T) {
	const one, two, three = "https://one.example.com", "https://two.example.com", "https://three.example.com"
	among := []providers.Address{
		at(one, "ssh.example.com", "Alias", "gl"),
		at(two, "ssh.example.org:2222", "[2001:db8::2]:2222"),
		at(three, "2001:db8::3", "[2001:db8::33]", "shared.example.com"),
		at("https://four.example.com", "shared.example.com", "one.example.com:2022"),
	}
	checkRemotes(t, among, []remoteCase{
		{"git@ssh.example.com:group/project.git", one, "group/project"},
		{"ssh://git@SSH.example.com:2222/group/project.git", one, "group/project"},
		{"alias:group/project", one, "group/project"},
		{"gl:group/project", one, "group/project"},
		{"git@one.example.com:group/project.git", one, "group/project"},
		{"ssh://one.example.com:2022/group/project.git", "https://four.example.com", "group/project"},
		{"ssh://git@ssh.example.org:2222/group/project.git", two, "group/project"},
		{"[git@ssh.example.org:2222]:group/project.git", two, "group/project"},
		{"git@[ssh.example.org:2222]:group/project.git", two, "group/project"},
		{"[ssh.example.org:2222]:group/project.git", two, "group/project"},
		{remote: "[git@ssh.example.org:22]:group/project.git"},
		{remote: "[git@ssh.example.org]:group/project.git"},
		{remote: "[git@ssh.example.org:x]:group/project.git"},
		{remote: "[git@ssh.example.org:99999]:group/project.git"},
		{remote: "git@ssh.example.org:2222/group/project.git"}, // a group of that name
		{remote: "git@ssh.example.org:group/project.git"},
		{remote: "ssh://git@ssh.example.org:22/group/project.git"},
		{"ssh://[2001:db8::2]:2222/group/project.git", two, "group/project"},
		{remote: "[2001:db8::2]:group/project.git"},
		{"[2001:db8::3]:group/project.git", three, "group/project"},
		{"ssh://[2001:db8::33]:2222/group/project.git", three, "group/project"},
		{remote: "git@shared.example.com:group/project.git"},
		{remote: "https://ssh.example.com/group/project.git"},
	})
}

func TestResolveRemoteByAnInternationalName(t *testing.T) {
	const books, lookalike = "https://xn--bcher-kva.example", "https://xn--gitlb-7ve.example"
	checkRemotes(t, []providers.Address{at(books, "ssh.bücher.example"), at(lookalike)}, []remoteCase{
		{"https://Bücher.example/group/project.git", books, "group/project"},
		{"git@xn--bcher-kva.example:group/project.git", books, "group/project"},
		{"git@SSH.BÜCHER.example:group/project.git", books, "group/project"},
		{"https://gitlаb.example/group/project.git", lookalike, "group/project"}, // with a Cyrillic а
		{remote: "https://gitlab.example/group/project.git"},
	})
}
