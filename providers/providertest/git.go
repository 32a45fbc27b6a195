package providertest

import (
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// AddRepository serves a bare git repository, in a directory, as the private
// project of that path, by git's own http-backend: clone and push over HTTP for
// whoever has a token (https://docs.gitlab.com/topics/git/clone/). It returns the
// URL to clone. It panics where there is no git.
func (g *GitLab) AddRepository(project, dir string) string {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		panic("providertest: git --exec-path: " + err.Error())
	}
	root := g.path("/" + project + ".git")
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Root: root,
		Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"},
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repositories[root] = backend
	return g.url + "/" + project + ".git"
}

// repository returns what serves a path that is below a repository's, or nil.
func (g *GitLab) repository(path string) *cgi.Handler {
	g.mu.Lock()
	defer g.mu.Unlock()
	for root, backend := range g.repositories {
		if strings.HasPrefix(path, root+"/") {
			return backend
		}
	}
	return nil
}

// serveGit lets in whoever has a token that git may use, as the password of any
// user name.
func (g *GitLab) serveGit(w http.ResponseWriter, r *http.Request, backend *cgi.Handler) {
	username, password, _ := r.BasicAuth()
	g.mu.Lock()
	t := g.access[password]
	good := t != nil && t.accessible(g.now()) && !t.user.Blocked && (t.app == nil || username == "oauth2") &&
		slices.ContainsFunc(t.scopes, func(scope string) bool {
			return scope == scopeAPI || scope == "write_repository" || scope == "read_repository" && !strings.HasSuffix(r.URL.Path, "receive-pack")
		})
	path, _ := g.below(r.URL.EscapedPath())
	entry := &Request{Time: g.now(), Method: r.Method, Path: path, Query: r.URL.Query(), Header: r.Header.Clone(), Status: http.StatusOK}
	if !good {
		entry.Status = http.StatusUnauthorized
	}
	g.learn(password)
	g.write(entry)
	g.mu.Unlock()
	if !good {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
		http.Error(w, "HTTP Basic: Access denied.", http.StatusUnauthorized)
		return
	}
	pushed := *backend
	pushed.Env = append(slices.Clone(backend.Env), "REMOTE_USER="+t.user.Username) // who may push
	pushed.ServeHTTP(w, r)
}
