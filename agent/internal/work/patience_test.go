package work_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
)

func TestNobodyWaitsForWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := work.Patience[int]{Limit: time.Second}
		release := make(chan struct{})
		began := time.Now()
		if _, ok := p.Do("a", func() int { <-release; return 1 }); ok || time.Since(began) != p.Limit {
			t.Errorf("what hangs was waited for during %v, want the limit", time.Since(began))
		}
		for range 3 {
			began = time.Now()
			if _, ok := p.Do("a", func() int { t.Error("it runs beside what hangs"); return 2 }); ok || time.Since(began) != 0 {
				t.Errorf("what is overdue was waited for during %v", time.Since(began))
			}
		}
		if got, ok := p.Do("b", func() int { return 3 }); got != 3 || !ok {
			t.Error("what hangs holds up what has another key")
		}
		close(release)
		synctest.Wait()
		if got, ok := p.Do("a", func() int { return 4 }); got != 4 || !ok {
			t.Errorf("it hangs no more, and returns %d, %v", got, ok)
		}
	})
}

// Who comes while one is under way does not learn what that one does, which may be
// from before: but all who do so share one.
func TestWhoComesLaterLearnsWhatIsSoThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := work.Patience[int32]{Limit: time.Second}
		var state, runs atomic.Int32
		look := func() int32 { runs.Add(1); return state.Load() }
		release := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { p.Do("a", func() int32 { now := look(); <-release; return now }) })
		synctest.Wait()
		state.Store(1)
		for range 5 {
			all.Go(func() {
				if got, ok := p.Do("a", look); got != 1 || !ok {
					t.Errorf("it was %d, %v; want what is so now", got, ok)
				}
			})
		}
		synctest.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d run at once", runs.Load())
		}
		close(release)
		all.Wait()
		if runs.Load() != 2 {
			t.Errorf("%d were run, want the one and another for all who came later", runs.Load())
		}
	})
}

// What ends in time is not overdue because somebody waited for the one before it too.
func TestASlowOneIsNotOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := work.Patience[int]{Limit: time.Second}
		slow := func() int { <-time.After(600 * time.Millisecond); return 1 } // by the clock of synctest
		var all sync.WaitGroup
		all.Go(func() { p.Do("a", slow) })
		synctest.Wait()
		p.Do("a", slow) // waits for both, and has no patience for that
		if _, ok := p.Do("a", slow); !ok {
			t.Error("one that ends in time is called overdue")
		}
		all.Wait()
	})
}
