//go:build !windows

package main

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestTheDataDirectory(t *testing.T) {
	home, elsewhere := t.TempDir(), t.TempDir()
	usual := filepath.Join(home, ".local", "share", "codestream-agent")
	if runtime.GOOS == "darwin" {
		usual = filepath.Join(home, "Library", "Application Support", "codestream-agent")
	}
	for name, c := range map[string]struct{ own, xdg, home, want string }{
		"the usual one":                {"", "", home, usual},
		"the user's place for data":    {"", elsewhere, home, filepath.Join(elsewhere, "codestream-agent")},
		"a place that is not absolute": {"", "share", home, usual},
		"said to the program":          {elsewhere + "/a/../b/", home, home, filepath.Join(elsewhere, "b")},
		"said, but not absolute":       {"data", elsewhere, home, ""},
		"no home":                      {"", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CODESTREAM_DATA_DIR", c.own)
			t.Setenv("XDG_DATA_HOME", c.xdg)
			t.Setenv("HOME", c.home)
			got, err := dataDir()
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("the data directory is %q, %v; want %q", got, err, c.want)
			}
			if c.want != "" {
				return
			}
			if status, stdout, stderr := try("--stdio"); status != 2 || stdout != "" || !strings.Contains(stderr, "CODESTREAM_DATA_DIR") {
				t.Errorf("the program: status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
}
