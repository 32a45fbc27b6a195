package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestTheStatusIsToldWhenItHasChanged breaks and mends a file, and changes what is no
// business of the status between: session scripts pass over what they do not ask
// for, and would not see it told too often.
func TestTheStatusIsToldWhenItHasChanged(t *testing.T) {
	r := start(t, nil)
	folder := t.TempDir()
	file := filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile))
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		whole := filepath.Join(t.TempDir(), "whole") // no half of it is seen
		if err := errors.Join(os.WriteFile(whole, []byte(text), 0o644), os.Rename(whole, file)); err != nil {
			t.Fatal(err)
		}
	}
	noVerify := false
	configure := func(name string) {
		t.Helper()
		r.call(protocol.Configure.Method(), protocol.ConfigureParams{URL: "https://gitlab.example.com", Name: name, Verify: &noVerify}, nil)
	}
	write(`{}`)
	uri := "file:///" + strings.TrimPrefix(filepath.ToSlash(folder), "/")
	r.initialize(map[string]any{"workspaceFolders": []protocol.WorkspaceFolder{{URI: uri, Name: "folder"}}})
	if _, err := r.Next(within(t), protocol.ShowMessage.Method()); err != nil {
		t.Fatal(err)
	}
	configure("One")
	if told := messages(r, protocol.DidChangeStatus); len(told) > 0 {
		t.Fatalf("what was so from the start is told: %+v", told)
	}
	write(`{"instances": []}`)
	if _, err := r.Next(within(t), protocol.DidChangeStatus.Method()); err != nil {
		t.Fatal(err)
	}
	configure("Two")
	if told := messages(r, protocol.DidChangeStatus); len(told) != 1 || len(told[0].Problems) > 0 {
		t.Fatalf("the file was mended, and that is told as %+v", told)
	}
	write(`{"instances": {}}`)
	if _, err := r.Next(within(t), protocol.DidChangeStatus.Method()); err != nil {
		t.Fatal(err)
	}
	configure("Three")
	if told := messages(r, protocol.DidChangeStatus); len(told) != 2 || len(told[1].Problems) != 1 || told[1].Problems[0].Details.File != file {
		t.Fatalf("the file was broken again, and that is told as %+v", told)
	}
}
