package team_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

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
				if err := w.Write(folder, in); err != nil {
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
		if err := w.Write(folder, store.Instance{ID: "https://b.example.com", Name: "B"}); err == nil {
			t.Errorf("%s: it was written", c.name)
		}
		text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile)))
		if err != nil || string(text) != c.text {
			t.Errorf("%s: the file has changed: %v", c.name, err)
		}
	}
}
