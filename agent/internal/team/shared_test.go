package team_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

const sharedID, otherID = "https://gitlab.example.com", "https://other.example.com"

// alpha and beta are two teams on one server.
var (
	alpha = team.Place{ID: "tls://registry.example.com/codestream-alpha", Name: "tls://registry.example.com"}
	beta  = team.Place{ID: "tls://registry.example.com/codestream-beta", Name: "tls://registry.example.com"}
)

// sharedEntry is an instance in the bucket, confidential where it has a secret.
func sharedEntry(id string, revision uint64, clientSecret string) registry.Entry {
	return registry.Entry{
		ID: id, Instance: protocol.SharedInstance{URL: id, ClientID: "id"}, Revision: revision,
		Confidential: clientSecret != "", ClientSecret: secret.New(clientSecret),
	}
}

// state is a state of the bucket of a team.
func state(bucket string, sequence uint64, entries ...registry.Entry) registry.Snapshot {
	return registry.Snapshot{Bucket: bucket, Sequence: sequence, Entries: entries}
}

// mate is a team mate's machine.
type mate struct {
	*testing.T
	dir    string
	store  *store.Store
	shared *team.Shared
}

// newMate has a window whose settings name a registry.
func newMate(t *testing.T, at team.Place) *mate {
	dir := t.TempDir()
	m := &mate{T: t, dir: dir}
	m.start()
	m.use(at)
	return m
}

// start begins with a store that has read nothing yet.
func (m *mate) start() {
	m.store = store.New(m.dir, store.Options{})
	m.shared = &team.Shared{Store: m.store, Provider: gitlabsm.Provider{}}
}

func (m *mate) use(at team.Place) {
	m.Helper()
	m.shared.Use(at)
	if at == (team.Place{}) {
		return
	}
	if err := m.shared.Remember(at); err != nil {
		m.Error(err)
	}
}

// named has settings have named a registry last so long ago.
func (m *mate) named(at team.Place, ago time.Duration) {
	m.Helper()
	err := m.store.Update(func(tx *store.Tx) error {
		r, err := tx.Registry(at.ID)
		r.NamedAt = time.Now().UTC().Add(-ago)
		return errors.Join(err, tx.PutRegistry(r))
	})
	if err != nil {
		m.Fatal(err)
	}
}

func (m *mate) keep(at team.Place, s registry.Snapshot) (changed bool, problems []error) {
	m.Helper()
	changed, problems, err := m.shared.Keep(at, s)
	if err != nil {
		m.Errorf("Keep returns %v", err)
	}
	return changed, problems
}

// has checks which instances the window has, as "id client-id secret".
func (m *mate) has(want ...string) {
	m.Helper()
	directory := team.NewDirectory(m.store, gitlabsm.Provider{}, team.Local{}, m.shared)
	list, err := directory.List()
	if err != nil {
		m.Fatal(err)
	}
	var got []string
	for _, in := range list {
		err := m.store.View(func(tx *store.Tx) error {
			clientSecret, err := directory.ClientSecret(tx, in.ID)
			got = append(got, strings.TrimSpace(in.ID+" "+in.ClientID+" "+clientSecret.Reveal()))
			return err
		})
		if err != nil {
			m.Errorf("the secret of %s: %v", in.ID, err)
		}
	}
	if !slices.Equal(got, want) {
		m.Errorf("the instances are %q, want %q", got, want)
	}
}

// withdrawn checks of which instances the accounts are to be signed out.
func (m *mate) withdrawn(at team.Place, want ...string) {
	m.Helper()
	list, err := m.shared.Withdrawn(at)
	var got []string
	for _, in := range list {
		got = append(got, in.ID)
	}
	if err != nil || !slices.Equal(got, want) {
		m.Errorf("%q are withdrawn, %v; want %q", got, err, want)
	}
}

// TestWhatARegistryHasIsKept: once, and gone when the registry has it no more.
func TestWhatARegistryHasIsKept(t *testing.T) {
	m := newMate(t, alpha)
	for i, step := range []struct {
		state   registry.Snapshot
		changed bool
		has     []string
	}{
		{state("a", 1, sharedEntry(sharedID, 1, "one")), true, []string{sharedID + " id one"}},
		{state("a", 1, sharedEntry(sharedID, 1, "one")), false, []string{sharedID + " id one"}},
		{state("a", 2, sharedEntry(sharedID, 2, "two")), true, []string{sharedID + " id two"}},
		{state("a", 3), true, nil},
		{state("a", 3), false, nil},
		{state("a", 4, sharedEntry(sharedID, 4, "three")), true, []string{sharedID + " id three"}},
	} {
		changed, problems := m.keep(alpha, step.state)
		if changed != step.changed || len(problems) > 0 {
			t.Errorf("step %d: Keep returns %v, %v", i, changed, problems)
		}
		m.has(step.has...)
		if step.has == nil {
			m.withdrawn(alpha, sharedID)
		}
	}
	m.withdrawn(alpha)
}

// TestTwoTeamsOnOneServer has a window for each, and one data directory.
func TestTwoTeamsOnOneServer(t *testing.T) {
	m := newMate(t, alpha)
	m.use(beta)
	for range 2 {
		m.keep(alpha, state("a", 1, sharedEntry(sharedID, 1, "of alpha")))
		m.keep(beta, state("b", 1, sharedEntry(otherID, 1, "of beta")))
	}
	m.withdrawn(alpha)
	m.withdrawn(beta)
	m.has(otherID + " id of beta")
	m.use(alpha)
	m.has(sharedID + " id of alpha")
	m.use(team.Place{}) // the terminal
	m.has(sharedID+" id of alpha", otherID+" id of beta")

	// Both teams have the same instance, by applications of their own.
	twice := sharedEntry(sharedID, 2, "beta's own")
	twice.Instance.ClientID = "beta"
	m.keep(beta, state("b", 2, sharedEntry(otherID, 1, "of beta"), twice))
	m.use(alpha)
	m.has(sharedID + " id of alpha")
	m.use(beta)
	m.has(sharedID+" beta beta's own", otherID+" id of beta")
	m.keep(beta, state("b", 3, sharedEntry(otherID, 1, "of beta")))
	m.withdrawn(beta, sharedID)
	m.use(alpha)
	m.has(sharedID + " id of alpha")
}

// TestARegistryNobodyNamesIsForgotten: where the settings are gone, what was seen
// serves the terminal for 30 days; and again where they come back.
func TestARegistryNobodyNamesIsForgotten(t *testing.T) {
	m := newMate(t, alpha)
	m.keep(alpha, state("a", 1, sharedEntry(sharedID, 1, "s")))
	m.use(team.Place{})
	m.named(alpha, 29*24*time.Hour)
	m.has(sharedID + " id s")
	m.named(alpha, 31*24*time.Hour)
	m.has()
	m.use(alpha)
	m.has(sharedID + " id s")
	m.withdrawn(alpha)
}

// TestAMistakeBringsNoOtherTeam: settings that name a registry which cannot be made out
// hide nothing as long as there is only one that can be meant.
func TestAMistakeBringsNoOtherTeam(t *testing.T) {
	m := newMate(t, alpha)
	m.keep(alpha, state("alpha@1", 1, sharedEntry(sharedID, 1, "")))
	m.shared.UseMistaken() // while alpha is in use
	m.has(sharedID + " id")
	m.start()
	m.shared.UseMistaken()
	m.has(sharedID + " id")
	m.keep(beta, state("beta@1", 1, sharedEntry(otherID, 1, "")))
	m.has()
	m.use(team.Place{})
	m.has(sharedID+" id", otherID+" id")
	m.use(alpha)
	m.has(sharedID + " id")
	m.shared.UseMistaken()
	m.has(sharedID + " id")
	m.start()
	m.named(beta, 31*24*time.Hour)
	m.shared.UseMistaken()
	m.has(sharedID + " id")
}

// TestOneBucketByTwoNames: another list of servers leads to the same bucket.
func TestOneBucketByTwoNames(t *testing.T) {
	m := newMate(t, alpha)
	m.keep(alpha, state("a", 2, sharedEntry(sharedID, 1, "s"), sharedEntry(otherID, 2, "t")))
	elsewhere := team.Place{ID: "tls://registry-2.example.com/codestream-alpha", Name: "tls://registry-2.example.com"}
	m.use(elsewhere)
	m.has() // nobody knows yet that it is the same
	m.keep(elsewhere, state("a", 3, sharedEntry(sharedID, 1, "s")))
	m.has(sharedID + " id s")
	m.withdrawn(elsewhere, otherID)
	m.use(alpha)
	m.has(sharedID + " id s")
	if changed, _ := m.keep(alpha, state("a", 2, sharedEntry(sharedID, 1, "s"), sharedEntry(otherID, 2, "t"))); changed {
		t.Error("an older state was taken by another name")
	}
}

// TestABucketMadeAnew is another: its revisions begin anew, and what nobody has put
// into it yet is not withdrawn.
func TestABucketMadeAnew(t *testing.T) {
	m := newMate(t, alpha)
	m.keep(alpha, state("a", 7, sharedEntry(sharedID, 1, "old"), sharedEntry(otherID, 7, "other")))
	m.keep(alpha, state("a2", 0))
	m.has(sharedID+" id old", otherID+" id other")
	fresh := sharedEntry(sharedID, 1, "new")
	fresh.Instance.ClientID = "new"
	m.keep(alpha, state("a2", 1, fresh))
	m.has(sharedID+" new new", otherID+" id other")
	if seen, err := m.shared.Version(alpha, otherID); seen != (registry.Version{}) || err != nil {
		t.Errorf("a write would be compared with %+v of another bucket, %v", seen, err)
	}
	m.withdrawn(alpha)
	m.keep(alpha, state("a2", 2, fresh, sharedEntry(otherID, 2, "other")))
	m.keep(alpha, state("a2", 3, fresh))
	m.has(sharedID + " new new")
	m.withdrawn(alpha, otherID)
	err := m.store.View(func(tx *store.Tx) error {
		left, err := tx.SharedInBucket("a")
		if len(left) > 0 {
			t.Errorf("of the bucket that is gone there is still %+v", left)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAnOlderStateIsPassedOver: a server that lags behind withdraws nothing, be it
// what this machine has just published.
func TestAnOlderStateIsPassedOver(t *testing.T) {
	m := newMate(t, alpha)
	m.keep(alpha, state("a", 4, sharedEntry(otherID, 4, "")))
	err := m.store.Update(func(tx *store.Tx) error {
		return m.shared.Published(tx, alpha, store.Instance{ID: sharedID, Name: "Ours", ClientID: "id"}, registry.Version{Bucket: "a", Revision: 6}, secret.Text{})
	})
	if err != nil {
		t.Fatal(err)
	}
	if changed, problems := m.keep(alpha, state("a", 5, sharedEntry(otherID, 5, "older"))); changed || len(problems) != 1 {
		t.Errorf("Keep returns %v, %v", changed, problems)
	}
	m.has(sharedID+" id", otherID+" id")
	m.withdrawn(alpha)
	m.keep(alpha, state("a", 6, sharedEntry(sharedID, 6, ""), sharedEntry(otherID, 5, "newer")))
	m.has(sharedID+" id", otherID+" id newer")
}

// TestAWithdrawalIsNotUndone: a state from before it, which a watch had read already,
// brings the instance back to nobody; what was put there since stays.
func TestAWithdrawalIsNotUndone(t *testing.T) {
	m := newMate(t, alpha)
	forget := func(mark registry.Version) {
		t.Helper()
		if err := m.store.Update(func(tx *store.Tx) error { return m.shared.Forget(tx, sharedID, mark) }); err != nil {
			t.Fatal(err)
		}
	}
	before := state("a", 1, sharedEntry(sharedID, 1, "s"))
	m.keep(alpha, before)
	forget(registry.Version{Bucket: "a", Revision: 2})
	m.keep(alpha, before)
	m.has()
	m.keep(alpha, state("a", 2))
	m.has()
	m.withdrawn(alpha)
	again := state("a", 3, sharedEntry(sharedID, 3, "again"))
	m.keep(alpha, again)
	forget(registry.Version{Bucket: "a", Revision: 2})
	m.has(sharedID + " id again")
	forget(registry.Version{Bucket: "a", Revision: 4})
	m.keep(alpha, again)
	m.has()
}

// TestPublishedBeforeTheBucketWasSeen: the first instance is there before the watch is.
func TestPublishedBeforeTheBucketWasSeen(t *testing.T) {
	m := newMate(t, alpha)
	err := m.store.Update(func(tx *store.Tx) error {
		return m.shared.Published(tx, alpha, store.Instance{ID: sharedID, Name: "Ours", ClientID: "id"}, registry.Version{Bucket: "a", Revision: 1}, secret.New("s"))
	})
	if err != nil {
		t.Fatal(err)
	}
	m.has(sharedID + " id s")
	m.keep(alpha, state("a", 0))
	m.has(sharedID + " id s")
	m.keep(alpha, state("a", 1, sharedEntry(sharedID, 1, "s")))
	m.has(sharedID + " id s")
	m.keep(alpha, state("a", 2))
	m.has()
	m.withdrawn(alpha, sharedID)
}

// TestALostKeyIsHealed: the registry still has the secret.
func TestALostKeyIsHealed(t *testing.T) {
	m := newMate(t, alpha)
	seen := state("a", 1, sharedEntry(sharedID, 1, "s"))
	m.keep(alpha, seen)
	keys, err := filepath.Glob(filepath.Join(m.dir, "key-*"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("the keys are %q, %v", keys, err)
	}
	if err := os.Remove(keys[0]); err != nil {
		t.Fatal(err)
	}
	m.start()
	m.use(alpha)
	if changed, _ := m.keep(alpha, seen); !changed {
		t.Error("a secret that cannot be opened any more counts as the same")
	}
	m.has(sharedID + " id s")
}

// TestAnotherWindowHasTheTeamsKey: what it has opened is not closed by one without.
func TestAnotherWindowHasTheTeamsKey(t *testing.T) {
	m := newMate(t, alpha)
	m.keep(alpha, state("a", 1, sharedEntry(sharedID, 1, "s")))
	closed := sharedEntry(sharedID, 1, "")
	closed.Confidential, closed.Problem = true, errors.New("no team key")
	m.keep(alpha, state("a", 1, closed))
	m.has(sharedID + " id s")
	closed.Revision = 2
	m.keep(alpha, state("a", 2, closed))
	err := m.store.View(func(tx *store.Tx) error {
		if _, err := m.shared.ClientSecret(tx, sharedID); !errors.Is(err, protocol.InvalidClient) {
			t.Errorf("a newer secret that cannot be opened is %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWhatCannotBeUsedIsNotWithdrawn: what was seen before it serves on, and its
// revision is known to whoever mends it.
func TestWhatCannotBeUsedIsNotWithdrawn(t *testing.T) {
	m := newMate(t, alpha)
	m.shared.Rules = []team.Rule{{Field: "name", Check: func(in store.Instance) error {
		if in.Name == "Evil" {
			return errors.New("the name is evil")
		}
		return nil
	}}}
	m.keep(alpha, state("a", 1, sharedEntry(sharedID, 1, "s")))
	newer := registry.Entry{ID: sharedID, Revision: 2, Unusable: errors.New("of a newer version")}
	evil := sharedEntry(sharedID, 3, "t")
	evil.Instance.Name = "Evil"
	first := registry.Entry{ID: otherID, Revision: 4, Unusable: errors.New("damaged")}
	noID := registry.Entry{ID: "gitlab\n", Revision: 5, Unusable: errors.New("damaged")}
	for _, s := range []registry.Snapshot{state("a", 2, newer), state("a", 3, evil), state("a", 5, evil, first, noID)} {
		if _, problems := m.keep(alpha, s); len(problems) != len(s.Entries) {
			t.Errorf("the problems are %v", problems)
		}
		m.has(sharedID + " id s")
		m.withdrawn(alpha)
	}
	for id, want := range map[string]uint64{sharedID: 3, otherID: 4} {
		if seen, err := m.shared.Version(alpha, id); seen.Revision != want || seen.Bucket != "a" || err != nil {
			t.Errorf("the version of %s is %+v, %v; want %d", id, seen, err, want)
		}
	}
	found := survey(t, m.shared)
	if len(found.Problems) != 0 {
		t.Errorf("another store has the problems %v", found.Problems)
	}
	found, err := team.NewDirectory(m.store, gitlabsm.Provider{}, m.shared).Survey()
	if err != nil || len(found.Problems) != 2 ||
		!strings.Contains(found.Problems[0].Error(), "the name is evil. Those before them still serve") || strings.Contains(found.Problems[1].Error(), "serve") {
		t.Errorf("the problems are %v, %v", found.Problems, err)
	}
	m.keep(alpha, state("a", 6, sharedEntry(sharedID, 6, "mended")))
	m.has(sharedID + " id mended")
	m.withdrawn(alpha) // and nobody was ever signed in to what could not be read
}

// TestARegistryGetsAroundNoRule: what breaks a rule does not count, and the rest
// does.
func TestARegistryGetsAroundNoRule(t *testing.T) {
	m := newMate(t, alpha)
	forbidden := errors.New("the rule is broken")
	m.shared.Rules = []team.Rule{{Field: "name", Check: func(in store.Instance) error {
		if in.Name == "Evil" {
			return forbidden
		}
		return nil
	}}}
	evil, misplaced := sharedEntry("https://evil.example.com", 2, ""), sharedEntry(sharedID, 3, "")
	noURL, proxied := sharedEntry("https://none.example.com", 4, ""), sharedEntry(sharedID, 5, "")
	evil.Instance.Name, misplaced.ID, noURL.Instance.URL = "Evil", otherID, "::"
	proxied.Instance.Network = &protocol.Network{Proxy: "http://proxy.example.com"}
	_, problems := m.keep(alpha, state("a", 5, evil, misplaced, noURL, proxied))
	if len(problems) != 3 || !errors.Is(problems[0], forbidden) || !strings.Contains(problems[1].Error(), "another's key") {
		t.Errorf("the problems are %v", problems)
	}
	m.has(sharedID + " id")
	list, err := team.NewDirectory(m.store, gitlabsm.Provider{}, m.shared).List()
	if err != nil || len(list) != 1 || list[0].Network != (protocol.Network{}) {
		t.Errorf("a registry says through which proxy tokens go: %+v, %v", list, err)
	}
}
