package auth_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
)

// On Linux the system's browser is a command, xdg-open, that can be replaced.
func TestWithoutOneTheBrowserOfTheSystemIsOpened(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "xdg-open")); err != nil {
		t.Fatal(err)
	}
	calls := expectBrowser(t)
	t.Setenv("BROWSER", "")
	t.Setenv("PATH", bin)
	if err := auth.OpenBrowser(context.Background(), address); err != nil {
		t.Fatal(err)
	}
	if got := calls(); got != address {
		t.Errorf("the browser was called with %q, want %q", got, address)
	}
}
