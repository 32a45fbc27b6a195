package work_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
)

func TestWhatIsDoneTooLateIsUndone(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name        string
		late        bool
		err, want   error
		wantUndoing bool
	}{
		{name: "in time"},
		{name: "failed in time", err: failed, want: failed},
		{name: "late", late: true, want: work.ErrLate, wantUndoing: true},
		{name: "failed late", late: true, err: failed, want: work.ErrLate}, // and has done nothing
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release, undone := make(chan struct{}), false
				if !c.late {
					close(release)
				}
				began := time.Now()
				err := work.Within(time.Second, func() error { <-release; return c.err }, func() { undone = true })
				if waited := time.Since(began) == time.Second; !errors.Is(err, c.want) || waited != c.late {
					t.Errorf("after %v: %v, want %v", time.Since(began), err, c.want)
				}
				if c.late {
					close(release)
				}
				synctest.Wait()
				if undone != c.wantUndoing {
					t.Errorf("undone: %v, want %v", undone, c.wantUndoing)
				}
			})
		})
	}
}

func TestWhatIsLateMayHaveNothingToUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		if err := work.Within(time.Second, func() error { <-release; return nil }, nil); !errors.Is(err, work.ErrLate) {
			t.Errorf("got %v", err)
		}
		close(release)
	})
}
