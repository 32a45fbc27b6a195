package agent

import (
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// TestWhatANewStoreGetsIsTold: where the store was damaged, the watch may look at the
// new one for the first time only when something is in it.
func TestWhatANewStoreGetsIsTold(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(store.New(dir, store.Options{}).File(), make([]byte, 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	a := New(Config{Providers: all.Providers(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), DataDir: dir, KeyringOff: true})
	if _, err := a.initialize(t.Context(), protocol.InitializeParams{}); err != nil {
		t.Fatal(err)
	}
	defer a.session.close(t.Context())
	if err := a.session.news.begin(); err == nil {
		t.Fatal("the store is not damaged")
	}
	if !a.session.news.known {
		t.Error("nothing is known of the new store to compare with")
	}
}
