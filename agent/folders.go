package agent

import (
	"context"
	"net/url"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// foldersOf returns the folders that the editor has open. One that knows no more
// than one names it as the root.
func foldersOf(p protocol.InitializeParams) []protocol.WorkspaceFolder {
	if len(p.WorkspaceFolders) == 0 && p.RootURI != nil && *p.RootURI != "" {
		return []protocol.WorkspaceFolder{{URI: *p.RootURI, Name: path.Base(*p.RootURI)}}
	}
	return p.WorkspaceFolders
}

func (a *Agent) didChangeWorkspaceFolders(_ context.Context, p protocol.DidChangeWorkspaceFoldersParams) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.folders = slices.DeleteFunc(a.folders, func(f protocol.WorkspaceFolder) bool {
		return slices.ContainsFunc(p.Event.Removed, func(gone protocol.WorkspaceFolder) bool { return gone.URI == f.URI })
	})
	a.folders = append(a.folders, p.Event.Added...)
	a.showFolders()
}

// showFolders tells the session which folders are open. The caller holds a.mu.
func (a *Agent) showFolders() { a.session.open(localFolders(a.folders)) }

// localFolders returns the paths of the folders of the workspace that are on this
// machine, in the editor's order.
func localFolders(folders []protocol.WorkspaceFolder) (paths []string) {
	for _, folder := range folders {
		if path := localPath(folder.URI); path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// localPath returns the path of a file URI (RFC 8089), or "".
func localPath(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" || u.Path == "" {
		return ""
	}
	path := u.Path
	if runtime.GOOS == "windows" { // file:///C:/folder
		path = strings.TrimPrefix(path, "/")
	}
	path = filepath.Clean(filepath.FromSlash(path))
	if !filepath.IsAbs(path) || strings.ContainsAny(path, "\x00\n") {
		return ""
	}
	return path
}

// firstFolder returns the path of the first folder of the workspace that is on this
// machine, or "".
func (a *Agent) firstFolder() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if paths := localFolders(a.folders); len(paths) > 0 {
		return paths[0]
	}
	return ""
}
