package sessiontest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// inWorkspace returns the path of a file of the workspace.
func (s *session) inWorkspace(name string) string {
	return filepath.Join(s.workspace, filepath.FromSlash(name))
}

// parseFile reads: file PATH PATTERN, of a file in the workspace.
func parseFile(words *script.Words) action {
	path := words.Word("the file")
	if words.Next("absent") {
		return func(_ context.Context, s *session) error {
			if _, err := os.Stat(s.inWorkspace(path)); err == nil {
				return fmt.Errorf("the file %s is there", path)
			}
			return nil
		}
	}
	pattern := words.JSON()
	return func(_ context.Context, s *session) error {
		data, err := os.ReadFile(s.inWorkspace(path))
		if err != nil {
			return err
		}
		if diffs := s.compare(script.Step{Form: script.Incoming, Body: pattern}, &Message{Params: data}, false); diffs != nil {
			return fmt.Errorf("the file %s:\n  %s", path, strings.Join(diffs, "\n  "))
		}
		return nil
	}
}

// parseChange reads: writes PATH TEXT | removes PATH | links PATH TARGET, of what the
// user, or git, does to the workspace.
func parseChange(verb string, words *script.Words) action {
	name := words.Word("the file")
	switch verb {
	case "removes":
		return func(_ context.Context, s *session) error { return os.RemoveAll(s.inWorkspace(name)) }
	case "links":
		target := words.Word("what it leads to")
		return func(_ context.Context, s *session) error {
			if err := os.MkdirAll(filepath.Dir(s.inWorkspace(name)), 0o755); err != nil {
				return err
			}
			return os.Symlink(target, s.inWorkspace(name))
		}
	}
	text := words.Rest("the text")
	return func(_ context.Context, s *session) error {
		if err := os.MkdirAll(filepath.Dir(s.inWorkspace(name)), 0o755); err != nil {
			return err
		}
		half := filepath.Join(s.root, "written") // so that nobody reads half a file
		if err := os.WriteFile(half, []byte(text), 0o644); err != nil {
			return err
		}
		return os.Rename(half, s.inWorkspace(name))
	}
}
