package providertest

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

func (s Suite) testName(t *testing.T) {
	if name := s.Provider.Name(); name == "" || strings.ContainsAny(name, "/ ") {
		t.Errorf("the name %q cannot stand before the slash of a method", name)
	}
}

// strangeURLs are URLs that a person could give, or a file that somebody else
// wrote.
var strangeURLs = []string{
	"gitlab.example.com", "gitlab.example.com:8443", "localhost:3000/root", "127.0.0.1", "[::1]:8080", "::1",
	"HTTPS://GitLab.Example.COM:443/Root/", "http://example.com:80", "http://example.com:443", "https://example.com:080",
	"https://example.com.", "https://example.com..", "https://example.com.:443/", "https://.", "https://..:8443",
	"https://[fe80::1%25eth0]/", "https://[FE80::1]:443", "https://[::1", "https://a%25b/", "https://a%zzb/",
	"https://example.com/a//b", "https://example.com//a//", "https://example.com/a/../b", "https://example.com/%2e%2e/b",
	"https://example.com/git%6Cab", "https://example.com/a%2Fb", "https://example.com/ä ö", "https://example.com/%C3%A4%20",
	"https://exämple.com", "https://ex%C3%A4mple.com/", "https://EXÄMPLE.com", "https://%ff.com", "https://K.com",
	"https://example.com?", "https://example.com/#", "https://example.com:", "https://example.com:99999", "https://example.com:0",
	"  https://example.com/\t", "https:///root", "https:/example.com", "//example.com/root", "javascript:alert(1)", "file:///etc/passwd",
	"ssh://git@example.com", "https://example.com\\root", "https://exa mple.com", "https://example.com/\x00", "\xff", "?", "#", "@", ":", "[", "]",
}

func (s Suite) testNormalizeURL(t *testing.T) {
	h := s.started(t, false)
	for _, raw := range []string{h.URL, h.URL + "/", " " + h.URL + "//\n", strings.Replace(h.URL, "http", "HTTP", 1)} {
		if id, err := s.Provider.NormalizeURL(raw); err != nil || id != h.URL {
			t.Errorf("%q: got %q, %v; want %q", raw, id, err, h.URL)
		}
	}
	for _, raw := range strangeURLs {
		id, err := s.Provider.NormalizeURL(raw)
		if err != nil {
			wantError(t, err, protocol.InvalidParams)
			continue
		}
		if again, err := s.Provider.NormalizeURL(id); err != nil || again != id {
			t.Errorf("%q: got %q, and from that %q, %v", raw, id, again, err)
		}
		u, err := url.Parse(id)
		switch {
		case err != nil:
			t.Errorf("%q: got %q, which is not a URL: %v", raw, id, err)
		case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.User != nil, u.RawQuery != "", strings.HasSuffix(id, "/"):
			t.Errorf("%q: got %q, to which no endpoint can be joined", raw, id)
		}
	}
	if h.Requests() != 0 {
		t.Error("somebody was asked")
	}
}

// A URL that is refused is not repeated where it may have a secret in it.
func (s Suite) testNormalizeURLRefuses(t *testing.T) {
	for _, raw := range []string{
		"", " ", "ftp://example.com", "https://", "https://sam@example.com",
		"https://sam:" + suiteSecret + "@example.com",
		"https://sam:" + suiteSecret + " @example.com",
		"https://sam:" + suiteSecret + "%zz@example.com",
		"ftp://sam:" + suiteSecret + "@example.com",
		"sam:" + suiteSecret + "@example.com/root",
		"https://sam:" + suiteSecret + "@",
		"https://example.com?private_token=" + suiteSecret,
		"https://exa mple.com/?private_token=" + suiteSecret,
		"https://example.com/#access_token=" + suiteSecret,
		"https://example.com:port/#access_token=" + suiteSecret,
		"https://example.com/a//b#" + suiteSecret,
	} {
		id, err := s.Provider.NormalizeURL(raw)
		if err == nil {
			t.Errorf("%q: got %q", raw, id)
			continue
		}
		wantError(t, err, protocol.InvalidParams)
	}
}

func (s Suite) testEndpoints(t *testing.T) {
	const instance = "https://example.com:8443/Root"
	e := s.Provider.Endpoints(instance)
	for _, endpoint := range []string{e.Authorize, e.Token, e.Revoke, e.API} {
		u, err := url.Parse(endpoint)
		if err != nil || !strings.HasPrefix(endpoint, instance+"/") || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q is not below the whole base URL", endpoint)
		}
	}
}

// ResolveRemote takes anything that stands in a git configuration: it never
// panics, and names no instance that it was not given.
func (s Suite) testResolveRemote(t *testing.T) {
	const instance = "https://gitlab.example.com/Root"
	among := []providers.Address{
		{Instance: instance, SSHHosts: []string{"ssh.example.com:2222", "[::1]:22", "::1", "alias", "", ":", "[", "]:"}},
		{Instance: "https://gitlab.example.com:8443"},
		{Instance: "http://[::1]:8080/x", SSHHosts: nil},
		{Instance: ""}, {Instance: "%zz"}, {Instance: "://"},
	}
	want := protocol.RemoteProject{Instance: instance, ProjectPath: "group/project"}
	for _, remote := range []string{instance + "/group/project.git", "ssh://git@ssh.example.com:2222/group/project.git"} {
		if got := s.Provider.ResolveRemote(remote, among, nil); got == nil || *got != want {
			t.Errorf("%q: got %v", remote, got)
		}
	}
	if got := s.Provider.ResolveRemote(instance+"/group/project.git", nil, nil); got != nil {
		t.Errorf("got %v among no instances", got)
	}
	seeds := []string{
		instance + "/group/project.git", "git@ssh.example.com:group/sub/project.git", "ssh://git@[::1]:22/group/project.git/",
		"git+ssh://alias/../group/project", "[::1]:group/project", `C:\group\project`, "http://[::1]:8080/x/group/%2e%2e/project",
		"", ":", "://", "@:", "[]:/", "ssh://", "https://%zz", "a:b:c@d/e", "//x/y/z", "file:///group/project", "\xff:\x00/\n",
	}
	random := rand.New(rand.NewPCG(1, 2))
	const alphabet = `:/@[]%.\~?#2 git+sh-` + "\x00\xff\n"
	for _, seed := range seeds {
		for range 500 {
			s.checkRemote(t, seed, among)
			seed = mutate(random, seed, alphabet)
		}
	}
}

func mutate(random *rand.Rand, text, alphabet string) string {
	at := random.IntN(len(text) + 1)
	char := alphabet[random.IntN(len(alphabet))]
	if at < len(text) && random.IntN(2) == 0 {
		return text[:at] + text[at+1:]
	}
	return text[:at] + string([]byte{char}) + text[at:]
}

func (s Suite) checkRemote(t *testing.T, remote string, among []providers.Address) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%q: panic: %v", remote, r)
		}
	}()
	got := s.Provider.ResolveRemote(remote, among, nil)
	if got == nil {
		return
	}
	known := func(a providers.Address) bool { return a.Instance == got.Instance }
	if !slices.ContainsFunc(among, known) {
		t.Errorf("%q: the instance %q was not given", remote, got.Instance)
	}
	parts := strings.Split(got.ProjectPath, "/")
	if slices.Contains(parts, "") || slices.Contains(parts, "..") || slices.Contains(parts, ".") {
		t.Errorf("%q: the project path %q", remote, got.ProjectPath)
	}
}
