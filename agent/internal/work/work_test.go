package work_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	var group work.Group
	var ended atomic.Int32
	release := make(chan struct{})
	for range 5 {
		if !group.Go(func() { <-release; ended.Add(1) }) {
			t.Fatal("an open group takes no work")
		}
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := group.Close(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("Close, while five are under way: %v, want the context's error", err)
	}
	close(release)
	if err := group.Close(t.Context()); err != nil || ended.Load() != 5 {
		t.Errorf("Close: %v, and %d of 5 have ended", err, ended.Load())
	}
}

func TestAClosedGroupTakesNoMore(t *testing.T) {
	var group work.Group
	if err := group.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if group.Go(func() { t.Error("it runs") }) {
		t.Error("a closed group takes work")
	}
	if err := group.Close(t.Context()); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

// What is under way may add to the group as long as it is open.
func TestWorkBeginsMoreWork(t *testing.T) {
	var group work.Group
	began := make(chan bool, 1)
	inner := false
	group.Go(func() { began <- group.Go(func() { inner = true }) })
	if !<-began {
		t.Error("work could not begin more work")
	}
	if err := group.Close(t.Context()); err != nil || !inner {
		t.Errorf("Close: %v; the inner work has ended: %v", err, inner)
	}
}
