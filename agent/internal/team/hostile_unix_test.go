//go:build !windows

package team_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// elsewhere is a folder beside the workspace's with a good file of instances in it,
// which a link can lead to.
func elsewhere(t *testing.T, folder string) string {
	t.Helper()
	outside := filepath.Join(filepath.Dir(folder), "outside")
	writeFile(t, outside, `{"instances": [{"url": "https://outside.example.com"}]}`)
	return outside
}

// bare is a workspace with an empty folder.
func bare(t *testing.T) (w *team.Workspace, folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "repository")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	w = &team.Workspace{Provider: gitlabsm.Provider{}}
	w.SetFolders([]string{folder})
	return w, folder
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingOutsideOfTheFolderIsRead(t *testing.T) {
	for name, plant := range map[string]func(folder, outside string) error{
		"the folder, absolute": func(folder, outside string) error {
			return os.Symlink(filepath.Join(outside, ".codestream"), filepath.Join(folder, ".codestream"))
		},
		"the folder, relative": func(folder, outside string) error {
			return os.Symlink("../outside/.codestream", filepath.Join(folder, ".codestream"))
		},
		"the file, absolute": func(folder, outside string) error {
			return os.Symlink("/etc/passwd", filepath.Join(folder, ".codestream", "gitlab.json"))
		},
		"the file, relative": func(folder, outside string) error {
			return os.Symlink("../../outside/.codestream/gitlab.json", filepath.Join(folder, ".codestream", "gitlab.json"))
		},
		"round about": func(folder, outside string) error {
			if err := os.Symlink("..", filepath.Join(folder, "up")); err != nil {
				return err
			}
			return os.Symlink("../up/outside/.codestream/gitlab.json", filepath.Join(folder, ".codestream", "gitlab.json"))
		},
		"to itself": func(folder, outside string) error {
			return os.Symlink("gitlab.json", filepath.Join(folder, ".codestream", "gitlab.json"))
		},
		"a pipe": func(folder, outside string) error {
			return syscall.Mkfifo(filepath.Join(folder, ".codestream", "gitlab.json"), 0o644)
		},
		"a device": func(folder, outside string) error {
			return os.Symlink("/dev/zero", filepath.Join(folder, ".codestream", "gitlab.json"))
		},
		"a folder": func(folder, outside string) error {
			return os.Mkdir(filepath.Join(folder, ".codestream", "gitlab.json"), 0o755)
		},
		"a file for the folder": func(folder, outside string) error {
			return os.WriteFile(filepath.Join(folder, ".codestream"), []byte("{}"), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, folder := bare(t)
			outside := elsewhere(t, folder)
			if !strings.Contains(name, "the folder") {
				must(t, os.Mkdir(filepath.Join(folder, ".codestream"), 0o755))
			}
			must(t, plant(folder, outside))
			found := survey(t, w)
			if len(found.Instances) > 0 || len(found.Problems) != 1 {
				t.Errorf("%d instances, and the problems %v; want one problem", len(found.Instances), found.Problems)
			}
		})
	}
}

func TestNothingIsWrittenThroughALink(t *testing.T) {
	in := store.Instance{ID: "https://gitlab.example.com", Name: "Ours", Scopes: []string{"api"}}
	for _, target := range []string{"../outside", "inside"} {
		w, folder := bare(t)
		outside := filepath.Join(filepath.Dir(folder), "outside")
		must(t, os.Mkdir(outside, 0o755))
		must(t, os.Mkdir(filepath.Join(folder, "inside"), 0o755))
		must(t, os.Symlink(target, filepath.Join(folder, ".codestream")))
		if err := write(w, folder, in); err == nil {
			t.Errorf("it was written through a link to %s", target)
		}
		if led, err := os.Readlink(filepath.Join(folder, ".codestream")); led != target {
			t.Errorf("the link now leads to %q, %v", led, err)
		}
		for _, dir := range []string{outside, filepath.Join(folder, "inside")} {
			entries, err := os.ReadDir(dir)
			must(t, err)
			if len(entries) > 0 {
				t.Errorf("%s has %v", dir, entries)
			}
		}
	}
}

func TestAFileInPlaceOfTheFolderStays(t *testing.T) {
	w, folder := bare(t)
	file := filepath.Join(folder, ".codestream")
	must(t, os.WriteFile(file, []byte("mine"), 0o644))
	if err := write(w, folder, store.Instance{ID: "https://gitlab.example.com", Name: "Ours"}); err == nil {
		t.Error("it was written")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

// TestALinkedFileIsReplaced has the repository's file lead to another of its own,
// such as a hook of git's: the link goes, and what it led to stays.
func TestALinkedFileIsReplaced(t *testing.T) {
	w, folder := bare(t)
	hook := filepath.Join(folder, "hook")
	must(t, os.WriteFile(hook, []byte(`{"instances": []}`), 0o755))
	must(t, os.Mkdir(filepath.Join(folder, ".codestream"), 0o755))
	must(t, os.Symlink("../hook", filepath.Join(folder, ".codestream", "gitlab.json")))
	must(t, write(w, folder, store.Instance{ID: "https://gitlab.example.com", Name: "Ours"}))
	if text, err := os.ReadFile(hook); err != nil || string(text) != `{"instances": []}` {
		t.Errorf("what the link led to is now %q, %v", text, err)
	}
	entries, err := os.ReadDir(filepath.Join(folder, ".codestream"))
	if err != nil || len(entries) != 1 || !entries[0].Type().IsRegular() {
		t.Errorf("the folder has %v, %v; want the one file", entries, err)
	}
}
