package registry

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
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

// TestAFileThatIsReplacedIsAnother, also within one tick of the file system's clock.
func TestAFileThatIsReplacedIsAnother(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows tells which file it is by the path")
	}
	path := filepath.Join(t.TempDir(), "credentials.json")
	write := func(path, text string) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, time.Time{}, time.Unix(1, 0))); err != nil {
			t.Fatal(err)
		}
	}
	write(path, "one")
	before := stateOf(path)
	write(path+".new", "two")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if !before.is(before) || before.is(stateOf(path)) {
		t.Error("the file that was put in its place is taken for the one before")
	}
}
