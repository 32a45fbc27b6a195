package gitlabsm_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// FuzzNormalizeURL takes any text for the address of an instance. What is accepted
// has one spelling, names one host over http or https and nothing else, and
// everything that is joined to it stays there.
func FuzzNormalizeURL(f *testing.F) {
	for _, seed := range []string{
		"", "gitlab.example.com", " HTTPS://GitLab.Example.COM:443/GitLab/\n", "http://localhost:08080//a/", "https://[2001:DB8::1%25eth0]:8443", "192.0.2.7:443",
		"https://sam:pw@host", "https://host?a=b", "https://host/#", "ftp://host", "https:/host", "https://host./%c3%bc/%252e%252e", "https://a%c2%9bb", "https://a%e2%80%ae.b",
		"https://a%ffb", `https://a"b`, "https://BÜCHER.example", "https://İ.example", "https://\u212aa.example", "http://ｌｏｃａｌｈｏｓｔ:1", "http://localhoſt", "https://gitlab.example.com。", "https://127.1", "https://[::ffff:1.2.3.4]", "https://host/a;b=c/..;/", "https://host/\\..", "https://host/%2e%2e%2f", "https://host:/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		provider := gitlabsm.Provider{}
		id, err := provider.NormalizeURL(raw)
		if err != nil {
			return
		}
		if again, err := provider.NormalizeURL(id); err != nil || again != id {
			t.Errorf("%q became %q, and then %q, %v", raw, id, again, err)
		}
		u, err := url.Parse(id)
		if err != nil {
			t.Fatalf("%q became %q: %v", raw, id, err)
		}
		switch {
		case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Hostname() == "", u.Opaque != "":
			t.Errorf("%q became %q, which is no address of a host", raw, id)
		case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "", strings.ContainsAny(id, "?#\\"):
			t.Errorf("%q became %q, which has more than scheme, host and path", raw, id)
		case u.Port() == providers.DefaultPort(u.Scheme), strings.HasSuffix(u.Host, ":"), strings.HasSuffix(id, "/"), strings.HasSuffix(u.Hostname(), "."):
			t.Errorf("%q became %q, which has more than it needs", raw, id)
		case u.Host != strings.ToLower(u.Host):
			t.Errorf("%q became %q, whose host is not in lower case", raw, id)
		case strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }):
			t.Errorf("%q became %q, whose host is not in ASCII", raw, id)
		case !isPlain(id):
			t.Errorf("%q became %q, which has characters that cannot be seen", raw, id)
		}
		e := provider.Endpoints(id)
		for _, endpoint := range []string{e.Authorize, e.Token, e.Revoke, e.API} {
			joined, err := url.Parse(endpoint)
			if err != nil || !providers.IsBelow(joined, id) || joined.Host != u.Host {
				t.Errorf("%q became %q, and %q is not below it: %v", raw, id, endpoint, err)
			}
		}
	})
}

// isPlain reports whether a text is UTF-8 that can be shown as it is.
func isPlain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// remoteForms are the forms of a remote, as plain as can be: over a web scheme or
// ssh, and as scp has it.
var remoteForms = []*regexp.Regexp{
	regexp.MustCompile(`^(?i:(?P<scheme>https?))://(?:[^/?#]*@)?(?P<host>\[[^]]+\]|[^/?#:\[\]@]+)(?::(?P<port>[0-9]*))?(?P<path>/[^?#]*)`),
	regexp.MustCompile(`^(?i:ssh|git\+ssh|ssh\+git)://(?:[^/?#]*@)?(?P<host>\[[^]]+\]|[^/?#:\[\]@]+)(?::(?P<port>[0-9]*))?(?P<path>/[^?#]*)`),
	regexp.MustCompile(`^(?:[^@:/\[]*@)?\[(?:[^/]*@)?(?P<host>[^:@/]*):(?P<port>[0-9]{1,5})\]:(?P<path>(?s).*)$`),
	regexp.MustCompile(`^(?:[^@:/\[]*@)?\[(?:[^/]*@)?(?P<host>[^@]*?)\]:(?P<path>(?s).*)$`),
	regexp.MustCompile(`^(?:[^@:/]*@)?(?P<host>[^:/\[][^:/]*):(?P<path>(?s).*)$`),
}

// readRemote reads a remote by its form. An escaped part is left as it is.
func readRemote(remote string) (scheme, host, port, path string, ok bool) {
	for _, form := range remoteForms {
		found := form.FindStringSubmatch(remote)
		if found == nil {
			continue
		}
		named := map[string]string{"scheme": "ssh"}
		for i, name := range form.SubexpNames() {
			named[name] = found[i]
		}
		return strings.ToLower(named["scheme"]), strings.Trim(named["host"], "[]"), named["port"], named["path"], true
	}
	return "", "", "", "", false
}

// FuzzResolveRemote takes any text for the remote of a repository. A project that
// is found is on an instance whose host, port and root the remote has.
func FuzzResolveRemote(f *testing.F) {
	for _, seed := range []string{
		"", "git@gitlab.example.com:group/project.git", "https://gitlab.example.com/group/project.git", "https://sam:pw@gitlab.example.com:443/a/b/c",
		"https://gitlab.example.com/GitLab/group/project", "ssh://git@ssh.example.com:2222/group/project.git", "git+ssh://[2001:db8::1]:22/a/b", "[2001:db8::1]:a/b", "[git@ssh.example.com:2222]:a/b", "git@[gl:22]:a/b", "[a@b@gl]:a/b",
		"https://[2001:DB8::1]:8443/a/b", "gl:a/b", "https://gitlab.example.com/%2e%2e/b", "git@gitlab.example.com:a/b\nc", "https://gitlab.example.com/a/b%1b[31m", "git@gitlab.example.com:a/\xff",
		"https://gitlab.example.com@evil.example/a/b", `C:\a\b`, "file:///a/b", "https://gitlab.example.com/a/b?c#d", "https://gitlab.example.com:0443/a/b", "git@gitlab.example.com:/../a/b", "git@gitlab.example.com:a/.git/b.git.git/",
		"https://bücher.example:444/a/b", "git@BÜCHER.example:a/b",
	} {
		f.Add(seed)
	}
	among := []providers.Address{
		at("https://gitlab.example.com", "gl", "alias"), at("https://gitlab.example.com/GitLab", "ssh.example.com:2222"),
		at("https://[2001:db8::1]:8443"), at("http://example.com/my%20gitlab", "[2001:db8::2]:22"), at("https://xn--bcher-kva.example:444"),
	}
	f.Fuzz(func(t *testing.T, remote string) {
		found := gitlabsm.Provider{}.ResolveRemote(remote, among, nil)
		if found == nil {
			return
		}
		scheme, host, port, path, ok := readRemote(strings.TrimSpace(remote))
		if !ok {
			t.Fatalf("%q is no remote, and was found as %+v", remote, found)
		}
		if !belongs(t, scheme, host, port, path, found.Instance, among) {
			t.Errorf("%q is %s://%s:%s%s, and was found as %+v", remote, scheme, host, port, path, found)
		}
		parts := strings.Split(found.ProjectPath, "/")
		for _, part := range parts {
			if part == "" || part == "." || part == ".." {
				t.Errorf("%q: the project's path is %q", remote, found.ProjectPath)
			}
		}
		if len(parts) < 2 || !isPlain(found.ProjectPath) {
			t.Errorf("%q: the project's path is %q", remote, found.ProjectPath)
		}
		decoded := path
		if strings.Contains(remote, "://") {
			if u, err := url.PathUnescape(path); err == nil {
				decoded = u
			}
		}
		if !strings.Contains(decoded, found.ProjectPath) {
			t.Errorf("%q: the project's path is %q, which is no part of it", remote, found.ProjectPath)
		}
	})
}

// belongs reports whether that address is the instance's.
func belongs(t *testing.T, scheme, host, port, path, instance string, among []providers.Address) bool {
	t.Helper()
	for _, address := range among {
		if address.Instance != instance {
			continue
		}
		base, err := url.Parse(instance)
		if err != nil {
			t.Fatal(err)
		}
		if scheme != "ssh" {
			root, err := url.PathUnescape(path)
			return err == nil && scheme == base.Scheme && sameHost(host, base.Hostname()) &&
				(port == base.Port() || port == "" && base.Port() == "" || port == providers.DefaultPort(scheme) && base.Port() == "") &&
				strings.HasPrefix(root, base.Path+"/")
		}
		if sameHost(host, base.Hostname()) {
			return true
		}
		for _, entry := range address.SSHHosts {
			if sameHost(host, entry) || sameHost(host+":"+port, entry) || sameHost("["+host+"]:"+port, entry) || port == "" && (sameHost(host+":22", entry) || sameHost("["+host+"]:22", entry)) {
				return true
			}
		}
	}
	return false
}

// sameHost compares names, which have no case, and addresses.
func sameHost(a, b string) bool {
	if decoded, err := url.PathUnescape(a); err == nil {
		a = decoded
	}
	x, errX := providers.NormalizeHost(a)
	y, errY := providers.NormalizeHost(b)
	return errX == nil && errY == nil && x == y || strings.EqualFold(a, b)
}
