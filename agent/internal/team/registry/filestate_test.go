package registry

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAFileIsRenewedOnceItRests: one that is being written is not read yet.
func TestAFileIsRenewedOnceItRests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.json")
	file := watchFile(path, stateOf(path))
	for _, step := range []struct {
		written string // nothing where it is empty
		want    bool
	}{
		{"", false},
		{"{", false},
		{`{"user"`, false},
		{`{"user": "sam"}`, false},
		{"", true},
		{"", true},
		{"{", false},
	} {
		if step.written != "" {
			if err := os.WriteFile(path, []byte(step.written), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := file.renewed(); got != step.want {
			t.Errorf("after %q is written it is renewed: %v, want %v", step.written, got, step.want)
		}
	}
	read := watchFile(path, stateOf(path))
	for range 3 {
		if read.renewed() {
			t.Error("the file that was read is taken for another")
		}
	}
}
