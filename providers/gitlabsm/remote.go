package gitlabsm

import (
	"net"
	"net/url"
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
			r.host, r.port = meant.Host, meant.Port
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
		scheme: scheme, host: strings.ToLower(u.Hostname()), port: port,
		user: u.User.Username(), written: u.Port(), path: u.Path,
	}, true
}

// parseSCP reads [user@]host:path, which is only that where no slash comes before
// the first colon. A host of one letter is a drive of Windows.
func parseSCP(remote string) (remoteURL, bool) {
	rest, user := remote, ""
	if at := strings.IndexByte(rest, '@'); at >= 0 && !strings.ContainsAny(rest[:at], ":/") {
		user, rest = rest[:at], rest[at+1:]
	}
	var host, path string
	if inner, ok := strings.CutPrefix(rest, "["); ok {
		host, path, ok = strings.Cut(inner, "]:")
		if !ok {
			return remoteURL{}, false
		}
	} else {
		var ok bool
		host, path, ok = strings.Cut(rest, ":")
		if !ok || strings.Contains(host, "/") || len(host) < 2 {
			return remoteURL{}, false
		}
	}
	return remoteURL{
		scheme: "ssh", host: strings.ToLower(host), port: providers.DefaultPort("ssh"),
		user: user, path: "/" + strings.TrimPrefix(path, "/"),
	}, true
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
		if strings.EqualFold(host, r.host) && port == r.port {
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
