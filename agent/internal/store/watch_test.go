package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/watch"
)

// patience bounds a wait for what has to happen.
const patience = 20 * time.Second

// watched watches a store until the test ends, and returns the calls of changed.
func watched(t *testing.T, s *store.Store, look func() bool) <-chan bool {
	t.Helper()
	if err := s.MakeDir(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	calls := make(chan bool, 100)
	w := watch.New()
	w.Watch(s.File())
	var watching sync.WaitGroup
	watching.Go(func() {
		w.Run(ctx, func() bool {
			ok := look()
			calls <- ok
			return ok
		})
	})
	t.Cleanup(func() {
		cancel()
		watching.Wait()
	})
	return calls
}

func await(t *testing.T, calls <-chan bool, what string) bool {
	t.Helper()
	select {
	case ok := <-calls:
		return ok
	case <-time.After(patience):
		t.Fatalf("%s was not told", what)
		return false
	}
}

func TestAChangeByAnotherWindowIsTold(t *testing.T) {
	s := store.New(t.TempDir(), store.Options{})
	seen := make(chan string, 100)
	calls := watched(t, s, func() bool {
		ids, err := instances(s)
		if err != nil {
			t.Error(err)
		}
		for _, id := range ids {
			seen <- id
		}
		return true
	})
	await(t, calls, "what happened before the watch began")
	update(t, store.New(s.Dir(), store.Options{}), func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: other}, secret.Text{}) })
	await(t, calls, "the change")
	if id := <-seen; id != other {
		t.Errorf("the change is the instance %q, want %q", id, other)
	}
}

func TestReadingIsNoChange(t *testing.T) {
	s := filled(t)
	calls := watched(t, s, func() bool {
		_, err := instances(s) // would be told for ever
		return err == nil
	})
	await(t, calls, "what happened before the watch began")
	if _, err := instances(store.New(s.Dir(), store.Options{})); err != nil {
		t.Fatal(err)
	}
	select {
	case <-calls:
		t.Error("reading was told as a change")
	case <-time.After(10 * moment):
	}
}
