package agent

import (
	"io"
	"log/slog"
	"slices"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

func TestWorkspaceFoldersComeAndGo(t *testing.T) {
	a := New(Config{Providers: all.Providers(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), DataDir: t.TempDir()})
	one, two, three := folder("one"), folder("two"), folder("three")
	if _, err := a.initialize(t.Context(), protocol.InitializeParams{WorkspaceFolders: []protocol.WorkspaceFolder{one, two}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		added, removed, want []protocol.WorkspaceFolder
	}{
		{[]protocol.WorkspaceFolder{three}, nil, []protocol.WorkspaceFolder{one, two, three}},
		{nil, []protocol.WorkspaceFolder{two}, []protocol.WorkspaceFolder{one, three}},
		{[]protocol.WorkspaceFolder{two}, []protocol.WorkspaceFolder{one, two}, []protocol.WorkspaceFolder{three, two}},
	} {
		a.didChangeWorkspaceFolders(t.Context(), protocol.DidChangeWorkspaceFoldersParams{
			Event: protocol.WorkspaceFoldersChangeEvent{Added: c.added, Removed: c.removed},
		})
		if !slices.Equal(a.folders, c.want) {
			t.Errorf("the folders are %v, want %v", a.folders, c.want)
		}
	}
}

func folder(name string) protocol.WorkspaceFolder {
	return protocol.WorkspaceFolder{URI: "file:///" + name, Name: name}
}
