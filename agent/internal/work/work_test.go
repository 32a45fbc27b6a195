package work_test

import (
	"context"
	"errors"
	"strings"
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

func TestAPanicEndsOneGoroutine(t *testing.T) {
	type panicked struct {
		value any
		stack string
	}
	told := make(chan panicked, 1)
	group := work.Group{Panicked: func(value any, stack []byte) { told <- panicked{value, string(stack)} }}
	cleaned := false
	group.Go(func() {
		defer func() { cleaned = true }()
		panic("words from inside")
	})
	if got := <-told; got.value != "words from inside" || !strings.Contains(got.stack, "work_test.go") {
		t.Errorf("told: %+v", got)
	}
	went := false
	if !group.Go(func() { went = true }) {
		t.Error("the group takes no more work")
	}
	if err := group.Close(t.Context()); err != nil || !cleaned || !went {
		t.Errorf("Close: %v; cleaned up: %v, went on: %v", err, cleaned, went)
	}
}
