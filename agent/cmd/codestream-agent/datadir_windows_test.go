package main

import (
	"path/filepath"
	"testing"
)

func TestTheDataDirectory(t *testing.T) {
	local := t.TempDir()
	t.Setenv("CODESTREAM_DATA_DIR", "")
	t.Setenv("LocalAppData", local)
	if got, err := dataDir(); err != nil || got != filepath.Join(local, "codestream-agent") {
		t.Errorf("the data directory is %q, %v", got, err)
	}
	t.Setenv("LocalAppData", "")
	if got, err := dataDir(); err == nil {
		t.Errorf("without %%LocalAppData%% the data directory is %q", got)
	}
}
