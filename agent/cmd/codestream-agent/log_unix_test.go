//go:build !windows

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheLogFileIsForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	path := filepath.Join(dir, "agent.log")
	for round := range 2 { // the second meets a file that others may read
		environment(t, "info", path)
		if status, _, stderr := try(); status != 1 {
			t.Fatalf("status %d, stderr %q", status, stderr)
		}
		for name, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, path: 0o600} {
			if info, err := os.Stat(name); err != nil || info.Mode() != want {
				t.Errorf("round %d: %s: %v, %v, want %v", round, name, info.Mode(), err, want)
			}
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if lines := bytes.Count(read(t, path), []byte("codestream-agent begins")); lines != 2 {
		t.Errorf("the file has the first line %d times, want 2", lines)
	}
}
