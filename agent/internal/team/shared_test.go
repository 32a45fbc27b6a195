package team_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

const sharedID = "https://gitlab.example.com"

func sharedEntry(revision uint64, clientSecret string) registry.Entry {
	return registry.Entry{
		ID: sharedID, Instance: protocol.SharedInstance{URL: sharedID, ClientID: "id"}, Revision: revision,
		Confidential: true, ClientSecret: secret.New(clientSecret),
	}
}

// TestWhatARegistryHasIsKept: once, and gone when the registry has it no more.
func TestWhatARegistryHasIsKept(t *testing.T) {
	st := store.New(t.TempDir(), store.Options{})
	shared := team.Shared{Store: st, Provider: gitlabsm.Provider{}}
	directory := team.NewDirectory(st, gitlabsm.Provider{}, team.Local{}, shared)
	for i, step := range []struct {
		entries []registry.Entry
		changed bool
		secret  string // "" where the instance is gone
	}{
		{[]registry.Entry{sharedEntry(1, "one")}, true, "one"},
		{[]registry.Entry{sharedEntry(1, "one")}, false, "one"},
		{[]registry.Entry{sharedEntry(2, "two")}, true, "two"},
		{nil, true, ""},
		{nil, false, ""},
		{[]registry.Entry{sharedEntry(4, "three")}, true, "three"},
	} {
		changed, problems, err := shared.Keep("nats://one", registry.Snapshot{Entries: step.entries})
		if changed != step.changed || len(problems) > 0 || err != nil {
			t.Errorf("step %d: Keep returns %v, %v, %v", i, changed, problems, err)
		}
		if list, err := directory.List(); err != nil || len(list) != min(1, len(step.secret)) {
			t.Errorf("step %d: the instances are %+v, %v", i, list, err)
		}
		if step.secret == "" {
			continue
		}
		err = st.View(func(tx *store.Tx) error {
			if got, err := directory.ClientSecret(tx, sharedID); err != nil || got.Reveal() != step.secret {
				t.Errorf("step %d: the secret is %q, %v", i, got.Reveal(), err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if changed, _, err := shared.Keep("nats://another", registry.Snapshot{}); changed || err != nil {
		t.Errorf("another registry that has nothing changes something: %v", err)
	}
}

// TestARegistryGetsAroundNoRule: what breaks a rule does not count, and the rest
// does.
func TestARegistryGetsAroundNoRule(t *testing.T) {
	st := store.New(t.TempDir(), store.Options{})
	forbidden := errors.New("the rule is broken")
	shared := team.Shared{Store: st, Provider: gitlabsm.Provider{}, Rules: []team.Rule{{Field: "name", Check: func(in store.Instance) error {
		if in.Name == "Evil" {
			return forbidden
		}
		return nil
	}}}}
	evil, misplaced, noURL, proxied := sharedEntry(2, ""), sharedEntry(3, ""), sharedEntry(4, ""), sharedEntry(5, "")
	evil.ID, evil.Instance.URL, evil.Instance.Name = "https://evil.example.com", "https://evil.example.com", "Evil"
	misplaced.ID = "https://other.example.com"
	noURL.ID, noURL.Instance.URL = "https://none.example.com", "::"
	proxied.Instance.Network = &protocol.Network{Proxy: "http://proxy.example.com"}
	_, problems, err := shared.Keep("nats://one", registry.Snapshot{Entries: []registry.Entry{evil, misplaced, noURL, proxied}})
	if err != nil || len(problems) != 3 || !errors.Is(problems[0], forbidden) || !strings.Contains(problems[1].Error(), "another's key") {
		t.Errorf("the problems are %v, %v", problems, err)
	}
	list, err := team.NewDirectory(st, gitlabsm.Provider{}, shared).List()
	if err != nil || !slices.ContainsFunc(list, func(in team.Instance) bool { return in.ID == sharedID }) || len(list) != 1 {
		t.Fatalf("the instances are %+v, %v", list, err)
	}
	if list[0].Network != (protocol.Network{}) {
		t.Errorf("a registry says through which proxy tokens go: %+v", list[0].Network)
	}
}
