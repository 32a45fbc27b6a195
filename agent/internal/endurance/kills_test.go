package endurance

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

var seedFlag = flag.Uint64("seed", 0, "take the random numbers of an earlier run; 0: new ones")

const (
	// fleetSize is how many agents work on one data directory at a time.
	fleetSize = 4
	// livesOfAWorker is how many of its agents are killed.
	livesOfAWorker = 5
)

func TestNothingThatWasAcknowledgedIsLostInAHundredKills(t *testing.T) { killAgents(t, 100) }

// killAgents kills agents, those of two fleets at a time.
func killAgents(t *testing.T, kills int) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", seed)
	for i := range kills / (fleetSize * livesOfAWorker) {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			t.Parallel()
			sail(t, seed, uint64(i))
		})
	}
}

// sail lets a fleet work on a new data directory until all its agents were
// killed, and looks at what is left.
func sail(t *testing.T, seed, number uint64) {
	dir := t.TempDir()
	sites := make([]*site, fleetSize)
	for i := range sites {
		sites[i] = newSite(newPlace(t, dir))
	}
	workers := make([]*worker, fleetSize)
	var all sync.WaitGroup
	for i, own := range sites {
		w := &worker{
			site: own, others: append(append([]*site{}, sites[:i]...), sites[i+1:]...),
			random: rand.New(rand.NewPCG(seed, number*fleetSize+uint64(i))),
		}
		workers[i] = w
		all.Go(func() {
			for range livesOfAWorker {
				if err := w.live(t); err != nil {
					t.Errorf("worker %d after %d kills: %v", i, w.tally.kills, err)
					return
				}
			}
		})
	}
	all.Wait()
	if !t.Failed() {
		inspect(t, dir, workers)
	}
	failed, busy := 0, 0
	for _, w := range workers {
		failed, busy = failed+w.failed, busy+w.busy
		counted.add(func(f *figures) {
			f.kills += w.tally.kills
			f.underWay += w.tally.underWay
			f.acknowledged += w.tally.acknowledged
			f.lost += w.tally.lost
		})
	}
	t.Logf("a new sign-in was asked for %d times, each time after a kill in the middle of a refresh; the store was busy %d times", failed, busy)
}

// inspect lets one more agent look at everything, and then looks at the data
// directory itself.
func inspect(t *testing.T, dir string, workers []*worker) {
	ctx := within(t)
	agent := launch(t, dir)
	if err := agent.greet(ctx); err != nil {
		t.Fatal(err)
	}
	for i, w := range workers {
		if err := w.check(ctx, agent); err != nil {
			t.Errorf("worker %d, at the end: %v", i, err)
		}
		if err := w.inspectTokens(ctx); err != nil {
			t.Errorf("worker %d, at the end: %v", i, err)
		}
	}
	if err := agent.leave(ctx); err != nil {
		t.Error(err)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "*damaged*"))
	if len(aside) > 0 || err != nil {
		t.Errorf("files were put aside: %q, %v", aside, err)
	}
}

// inspectTokens tries all tokens that are kept.
func (w *worker) inspectTokens(ctx context.Context) error {
	var kept []store.Account
	err := store.New(w.dir, store.Options{}).View(func(tx *store.Tx) (err error) {
		kept, err = tx.AccountsOf(w.URL())
		return err
	})
	if err != nil {
		return err
	}
	if len(kept) != len(w.acknowledged.users()) {
		return fmt.Errorf("the store has %d accounts, and status tells of %d", len(kept), len(w.acknowledged.users()))
	}
	for _, account := range kept {
		if account.Refused != "" {
			continue
		}
		access, err := w.stored(account.User.Username)
		if err != nil {
			return err
		}
		if status, err := w.try(ctx, access); status != http.StatusOK {
			return fmt.Errorf("GitLab answers %d to the token that is kept of %s (%w)", status, account.User.Username, err)
		}
	}
	return nil
}
