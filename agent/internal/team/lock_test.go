package team_test

import (
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// away is a source whose files are on a machine that is gone.
type away struct {
	fixed
	began, release chan struct{}
}

func (away) Paths() []string { return nil }

func (a away) Load() {
	close(a.began)
	<-a.release
}

// TestNobodyWaitsForAFileWithTheStore: while files are read, other windows and other
// requests have the store.
func TestNobodyWaitsForAFileWithTheStore(t *testing.T) {
	st := store.New(t.TempDir(), store.Options{})
	source := away{fixed{name: "workspace", ids: []string{sharedID}}, make(chan struct{}), make(chan struct{})}
	directory := team.NewDirectory(st, gitlabsm.Provider{}, source)
	surveyed := make(chan error)
	go func() {
		_, err := directory.Survey()
		surveyed <- err
	}()
	<-source.began
	for name, window := range map[string]*store.Store{"this window": st, "another": store.New(st.Dir(), store.Options{})} {
		err := window.Update(func(tx *store.Tx) error {
			_, err := directory.Instance(tx, sharedID) // from memory
			if err != nil {
				return err
			}
			return tx.SetVersion(sharedID, name, time.Now())
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	close(source.release)
	if err := <-surveyed; err != nil {
		t.Error(err)
	}
}
