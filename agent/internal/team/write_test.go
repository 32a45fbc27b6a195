package team_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// write puts an instance into a folder's file.
func write(w *team.Workspace, folder string, in store.Instance) error {
	draft, err := w.Draft(folder, in)
	if err != nil {
		return err
	}
	defer draft.Discard()
	return draft.Keep()
}

// TestWritingKeepsTheFile has the file's own comments, line ends and indent stay.
func TestWritingKeepsTheFile(t *testing.T) {
	in := store.Instance{ID: "https://b.example.com", Name: "B"}
	for _, c := range []struct{ name, before, after string }{
		{"none", "",
			"{\n  \"instances\": [\n    {\n      \"url\": \"https://b.example.com\",\n      \"name\": \"B\"\n    }\n  ]\n}\n"},
		{"another, with a comment", "{\n  // Ours.\n  \"instances\": [\n    {\"url\": \"a.example.com\"} // A\n  ]\n}\n",
			"{\n  // Ours.\n  \"instances\": [\n    {\"url\": \"a.example.com\"}, // A\n    {\n      \"url\": \"https://b.example.com\",\n      \"name\": \"B\"\n    }\n  ]\n}\n"},
		{"the same, in another spelling", "{\n  \"instances\": [\n    // B\n    {\"url\": \"B.example.com/\", \"clientId\": \"old\"},\n  ],\n}",
			"{\n  \"instances\": [\n    // B\n    {\n      \"url\": \"https://b.example.com\",\n      \"name\": \"B\"\n    },\n  ],\n}"},
		{"Windows' line ends", "{\r\n  \"instances\": [\r\n    {\"url\": \"b.example.com\"}\r\n  ]\r\n}\r\n",
			"{\r\n  \"instances\": [\r\n    {\r\n      \"url\": \"https://b.example.com\",\r\n      \"name\": \"B\"\r\n    }\r\n  ]\r\n}\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, folder := workspace(t, c.before)
			path := filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile))
			if c.before == "" {
				if err := os.RemoveAll(filepath.Dir(path)); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the second time there is nothing to do
				if err := write(w, folder, in); err != nil {
					t.Fatal(err)
				}
				if text, err := os.ReadFile(path); err != nil || string(text) != c.after {
					t.Errorf("the file is %q, %v; want %q", text, err, c.after)
				}
			}
		})
	}
}

func TestABadFileIsLeftAsItIs(t *testing.T) {
	for _, c := range files {
		if c.problem == "" {
			continue
		}
		w, folder := workspace(t, c.text)
		if err := write(w, folder, store.Instance{ID: "https://b.example.com", Name: "B"}); err == nil {
			t.Errorf("%s: it was written", c.name)
		}
		text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile)))
		if err != nil || string(text) != c.text {
			t.Errorf("%s: the file has changed: %v", c.name, err)
		}
	}
}

// TestADraftIsNotSeenBeforeItIsKept, leaves nothing where it is not, and takes the place
// of nothing that somebody has written meanwhile.
func TestADraftIsNotSeenBeforeItIsKept(t *testing.T) {
	const before, meanwhile = `{"instances": []}`, `{"instances": [{"url": "meanwhile.example.com"}]}`
	in := store.Instance{ID: "https://b.example.com", Name: "B"}
	for _, file := range []string{before, ""} {
		w, folder := workspace(t, file)
		path := filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile))
		if file == "" {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}
		draft, err := w.Draft(folder, in)
		if err != nil {
			t.Fatal(err)
		}
		if found := survey(t, w); len(found.Instances) > 0 || len(found.Problems) > 0 {
			t.Errorf("the draft is seen: %+v", found)
		}
		draft.Discard()
		entries, err := os.ReadDir(filepath.Dir(path))
		if file == "" && !os.IsNotExist(err) || file != "" && len(entries) != 1 {
			t.Errorf("what was discarded leaves %v, %v", entries, err)
		}
		if draft, err = w.Draft(folder, in); err != nil {
			t.Fatal(err)
		}
		writeFile(t, folder, meanwhile)
		if err := draft.Keep(); err == nil || !strings.Contains(err.Error(), "changed it just now") {
			t.Errorf("what somebody has written meanwhile is replaced: %v", err)
		}
		draft.Discard()
		if text, err := os.ReadFile(path); err != nil || string(text) != meanwhile {
			t.Errorf("the file is %q, %v; want what was written meanwhile", text, err)
		}
		if err := write(w, folder, in); err != nil || len(survey(t, w).Instances) != 2 {
			t.Errorf("it cannot be written afterwards: %v", err)
		}
	}
}
