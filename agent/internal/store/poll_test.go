package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The operating system's watches can be used up, by an editor for example.
func TestWithoutWatchesTheStoreIsLookedAtFromTimeToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		looks := 0
		poll(ctx, func() bool {
			if looks++; looks == 3 {
				cancel()
			}
			return true
		})
		if took := time.Since(began); looks != 3 || took != 2*pollInterval {
			t.Errorf("%d looks in %v, want one at once and two after %v each", looks, took, pollInterval)
		}
	})
}
