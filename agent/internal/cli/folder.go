package cli

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// opened is what a folder has in it that somebody would open in an editor.
var opened = []string{filepath.FromSlash(protocol.WorkspaceFile), ".git"}

// workspaceFolders is what an editor would have open: the nearest folder, from the
// working directory upwards, that has a file of instances or a repository.
func workspaceFolders() []protocol.WorkspaceFolder {
	dir, err := os.Getwd()
	if err != nil {
		return nil
	}
	for {
		for _, mark := range opened {
			if _, err := os.Lstat(filepath.Join(dir, mark)); err == nil {
				return []protocol.WorkspaceFolder{{URI: fileURI(dir), Name: filepath.Base(dir)}}
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

// fileURI returns the URI of a path (RFC 8089).
func fileURI(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // C:/folder
		slashed = "/" + slashed
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}
