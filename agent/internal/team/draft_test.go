package team_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// write puts an instance into the file of a folder.
func write(w *team.Workspace, folder string, in store.Instance) error {
	draft, err := w.Draft(folder, in)
	if err != nil {
		return err
	}
	defer draft.Discard()
	return draft.Put()
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

// A file whose instances are not on lines of their own is laid out anew. Its text as it
// was is still what the file is compared with.
func TestAFileInAnotherLayoutIsWritten(t *testing.T) {
	for _, before := range []string{`{"instances": []}`, "{ \"instances\":    [  ]   }  ", `{"instances": [ {"url": "a.example.com"} ]   }`} {
		w, folder := workspace(t, before)
		if err := write(w, folder, store.Instance{ID: "https://b.example.com", Name: "B"}); err != nil {
			t.Errorf("%q: %v", before, err)
		}
		found := survey(t, w)
		if n := strings.Count(before, "url") + 1; len(found.Problems) > 0 || len(found.Instances) != n {
			t.Errorf("%q has become %+v, with the problems %v; want %d instances", before, found.Instances, found.Problems, n)
		}
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

// A file that would be too large is not made so by hand either.
func TestAFileThatWouldBeTooLargeIsNotWritten(t *testing.T) {
	before := "{\n  \"instances\": [\n  ] // " + strings.Repeat("x", 64<<10-50) + "\n}"
	w, folder := workspace(t, before)
	err := write(w, folder, store.Instance{ID: "https://b.example.com", Name: "B"})
	var told *protocol.Error
	if !errors.As(err, &told) || !strings.Contains(told.Message, "larger than 64 KiB") || !strings.Contains(told.Hint, "Take out") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile))); err != nil || string(text) != before {
		t.Errorf("the file has changed: %v", err)
	}
}

// TestADraftOverwritesNobody: what somebody has saved meanwhile stays, and nothing is
// left of the draft.
func TestADraftOverwritesNobody(t *testing.T) {
	for _, before := range []string{"", `{"instances": []}`} {
		w, folder := workspace(t, before)
		path := filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile))
		if before == "" {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}
		draft, err := w.Draft(folder, store.Instance{ID: "https://b.example.com", Name: "B"})
		if err != nil {
			t.Fatal(err)
		}
		const meanwhile = `{"instances": [{"url": "a.example.com"}]}`
		writeFile(t, folder, meanwhile)
		if err := draft.Put(); !errors.Is(err, protocol.Conflict) {
			t.Errorf("Put returns %v, want Conflict", err)
		}
		draft.Discard()
		entries, err := os.ReadDir(filepath.Dir(path))
		text, readErr := os.ReadFile(path)
		if err != nil || len(entries) != 1 || readErr != nil || string(text) != meanwhile {
			t.Errorf("there are %v, %v, and the file has %q, %v", entries, err, text, readErr)
		}
	}
}

func TestADraftThatIsDiscardedLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	draft, err := (&team.Workspace{Provider: gitlabsm.Provider{}}).Draft(folder, store.Instance{ID: "https://b.example.com", Name: "B"})
	if err == nil {
		draft.Discard()
	}
	if entries, readErr := os.ReadDir(folder); err != nil || readErr != nil || len(entries) > 0 {
		t.Errorf("there is still %v, %v, %v", entries, err, readErr)
	}
}
