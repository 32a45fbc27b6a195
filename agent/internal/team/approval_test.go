package team_test

import (
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
)

// To be called something else asks the user nothing anew; anything else does.
func TestAnOfferIsOfItsSettings(t *testing.T) {
	in := team.Instance{Instance: store.Instance{ID: "https://gitlab.example.com", ClientID: "1", Name: "One"}, Folder: "/folder"}
	for name, c := range map[string]struct {
		change func(*team.Instance)
		same   bool
	}{
		"another name":        {func(in *team.Instance) { in.Name = "Two" }, true},
		"another application": {func(in *team.Instance) { in.ClientID = "2" }, false},
		"another instance":    {func(in *team.Instance) { in.ID = "https://example.org" }, false},
		"another folder":      {func(in *team.Instance) { in.Folder = "/other" }, false},
	} {
		other := in
		c.change(&other)
		if same := team.Offer(other) == team.Offer(in); same != c.same {
			t.Errorf("%s: the same offer: %v, want %v", name, same, c.same)
		}
	}
}
