package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	here  = "https://here.example.com"
	there = "https://there.example.com"
)

// useDataDir says where the data is, as changed settings do.
func (r *running) useDataDir(dir string) {
	r.t.Helper()
	r.notify(protocol.DidChangeConfiguration.Method(), protocol.DidChangeConfigurationParams{
		Settings: protocol.Settings{CodeStream: &protocol.InitializationOptions{DataDir: dir, Browser: protocol.BrowserNone}},
	})
}

func (r *running) configure(url string) {
	r.t.Helper()
	never := false
	r.call(protocol.Configure.Method(), protocol.ConfigureParams{URL: url, ClientID: "client", Verify: &never}, nil)
}

func TestTheDataDirectoryIsThatOfTheSettings(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	r := start(t, nil).initialize(map[string]any{"initializationOptions": map[string]any{"dataDir": first}})
	r.configure(here)
	r.useDataDir(second)
	if ids := r.instances(); len(ids) != 0 {
		t.Errorf("the second directory has %q already", ids)
	}
	r.configure(there)
	r.useDataDir(first)
	if ids := r.instances(); !slices.Equal(ids, []string{here}) {
		t.Errorf("the first directory has %q, want %q", ids, here)
	}
	for _, dir := range []string{first, second} {
		if _, err := os.Stat(filepath.Join(dir, "agent.db")); err != nil {
			t.Error(err)
		}
	}
}

func TestASignInEndsWithItsDataDirectory(t *testing.T) {
	r := start(t, nil).initialize(map[string]any{"initializationOptions": map[string]any{"browser": "none"}})
	r.configure(here)
	in := r.authenticate(protocol.AuthenticateParams{})
	in.start(t)
	r.useDataDir(t.TempDir())
	if err := <-in.ended; !errors.Is(err, protocol.RequestCancelled) {
		t.Errorf("the sign-in: %v, want RequestCancelled", err)
	}
}

// A directory that is none is refused before a file is touched.
func TestADataDirectoryHasToBeAbsolute(t *testing.T) {
	r := start(t, nil)
	err := r.Call(within(t), protocol.Initialize.Method(), map[string]any{
		"processId": nil, "capabilities": map[string]any{}, "initializationOptions": map[string]any{"dataDir": "data"},
	}, nil)
	if !errors.Is(err, protocol.InvalidParams) {
		t.Errorf("the error is %v, want InvalidParams", err)
	}
	if _, err := os.Stat("data"); err == nil {
		t.Error("the directory was made")
	}
	r.initialize(nil)
	if ids := r.instances(); len(ids) != 0 {
		t.Errorf("the instances are %q", ids)
	}
}
