package gitlabsm

import (
	"cmp"
	"net"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// ResolveRemote finds the project of a git remote. Over http(s), host, port and
// root have to be the instance's exactly. Over ssh, where the port is sshd's and
// there is no root, the host has to be one of the instance's SSH hosts, or its
// own; and no other instance may have the same.
func (Provider) ResolveRemote(remote string, among []providers.Address, alias providers.Alias) *protocol.RemoteProject {
	r, ok := parseRemote(strings.TrimSpace(remote))
	if !ok {
		return nil
	}
	if r.scheme != "ssh" {
		return longestRoot(r.projects(among, matchWeb))
	}
	found := r.overSSH(among)
	if len(found) == 0 && alias != nil && len(among) > 0 {
		if meant, ok := alias(providers.SSHHost{User: r.user, Host: r.host, Port: r.written}); ok {
			r.host, r.port = hostOf(meant.Host), meant.Port
			found = r.overSSH(among)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// overSSH lists the projects on the instances that have the host among their SSH
// hosts, else on those that are at the host itself.
func (r remoteURL) overSSH(among []providers.Address) []*protocol.RemoteProject {
	if found := r.projects(among, matchSSHHost); len(found) > 0 {
		return found
	}
	return r.projects(among, matchHost)
}

// projects lists the project on each instance that matches.
func (r remoteURL) projects(among []providers.Address, match func(remoteURL, providers.Address) (path string, ok bool)) []*protocol.RemoteProject {
	var found []*protocol.RemoteProject
	for _, address := range among {
		if path, ok := match(r, address); ok {
			if project := projectPath(path); project != "" {
				found = append(found, &protocol.RemoteProject{Instance: address.Instance, ProjectPath: project})
			}
		}
	}
	return found
}

// remoteURL is a remote taken apart.
type remoteURL struct {
	scheme, host, port string // port: as written, or the scheme's
	user, written      string // the user and the port, where they are written
	path               string // decoded, with its slash
}

// parseRemote reads the forms of git-clone(1), "GIT URLS", that name a host.
func parseRemote(remote string) (remoteURL, bool) {
	if !strings.Contains(remote, "://") {
		return parseSCP(remote)
	}
	u, err := url.Parse(remote)
	if err != nil || u.Hostname() == "" {
		return remoteURL{}, false
	}
	scheme := strings.ToLower(u.Scheme)
	switch scheme {
	case "http", "https", "ssh":
	case "git+ssh", "ssh+git":
		scheme = "ssh"
	default:
		return remoteURL{}, false
	}
	port := u.Port()
	if port == "" {
		port = providers.DefaultPort(scheme)
	}
	return remoteURL{
		scheme: scheme, host: hostOf(u.Hostname()), port: port,
		user: u.User.Username(), written: u.Port(), path: u.Path,
	}, true
}

// parseSCP reads [user@]host:path, which is only that where no slash comes before
// the first colon. With brackets a port can be in them, and the user: "[git@host:22]:"
// and "git@[host:22]:" (connect.c of git). On Windows a letter is a drive.
func parseSCP(remote string) (remoteURL, bool) {
	r := remoteURL{scheme: "ssh"}
	rest := remote
	if at := strings.IndexByte(rest, '@'); at >= 0 && !strings.ContainsAny(rest[:at], ":/[") {
		r.user, rest = rest[:at], rest[at+1:]
	}
	inner, bracketed := strings.CutPrefix(rest, "[")
	ok := false
	if bracketed {
		r.host, r.path, ok = strings.Cut(inner, "]:")
		r.splitBracketed()
	} else {
		r.host, r.path, ok = strings.Cut(rest, ":")
	}
	if !ok || r.host == "" || strings.Contains(r.host, "/") || runtime.GOOS == "windows" && isDrive(remote) {
		return remoteURL{}, false
	}
	r.host, r.path = hostOf(r.host), "/"+strings.TrimPrefix(r.path, "/")
	r.port = cmp.Or(r.written, providers.DefaultPort("ssh"))
	return r, true
}

// splitBracketed takes user and port out of what stood in brackets for the host. An
// address of IPv6 has no port there.
func (r *remoteURL) splitBracketed() {
	if at := strings.LastIndexByte(r.host, '@'); at >= 0 && r.user == "" {
		r.user, r.host = r.host[:at], r.host[at+1:]
	}
	name, port, _ := strings.Cut(r.host, ":")
	if _, err := strconv.ParseUint(port, 10, 16); err == nil {
		r.host, r.written = name, port
	}
}

// isDrive reports whether a path begins with a drive, as "C:" does.
func isDrive(path string) bool {
	letter := path[0] | 0x20
	return path[1] == ':' && letter >= 'a' && letter <= 'z'
}

// hostOf gives a host its one spelling; an alias of ssh's can be none.
func hostOf(host string) string {
	if normal, err := providers.NormalizeHost(host); err == nil {
		return normal
	}
	return strings.ToLower(host)
}

func matchWeb(r remoteURL, a providers.Address) (string, bool) {
	base, err := url.Parse(a.Instance)
	if err != nil || r.scheme == "ssh" {
		return "", false
	}
	remote := &url.URL{Scheme: r.scheme, Host: net.JoinHostPort(r.host, r.port)}
	if !providers.SameOrigin(base, remote) {
		return "", false
	}
	return strings.CutPrefix(r.path, base.Path+"/")
}

func matchSSHHost(r remoteURL, a providers.Address) (string, bool) {
	if r.scheme != "ssh" {
		return "", false
	}
	for _, entry := range a.SSHHosts {
		host, port, err := net.SplitHostPort(entry)
		if err != nil { // no port: any
			host, port = strings.Trim(entry, "[]"), r.port
		}
		if hostOf(host) == r.host && port == r.port {
			return r.path, true
		}
	}
	return "", false
}

func matchHost(r remoteURL, a providers.Address) (string, bool) {
	base, err := url.Parse(a.Instance)
	return r.path, r.scheme == "ssh" && err == nil && strings.EqualFold(base.Hostname(), r.host)
}

// projectPath returns the path of a project in a group, or "".
func projectPath(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(path) {
		return ""
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	parts := strings.Split(path, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			return ""
		}
	}
	if len(parts) < 2 {
		return ""
	}
	return path
}

// longestRoot picks the instance whose base URL says most, such as the one at
// /gitlab before the one at /.
func longestRoot(found []*protocol.RemoteProject) *protocol.RemoteProject {
	var longest *protocol.RemoteProject
	for _, f := range found {
		if longest == nil || len(f.Instance) > len(longest.Instance) {
			longest = f
		}
	}
	return longest
}
