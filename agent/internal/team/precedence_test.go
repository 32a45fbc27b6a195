package team_test

import (
	"slices"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// says is a source that has one instance, with an application of its own.
type says struct {
	name        protocol.Source
	application string
}

func (s says) Name() protocol.Source { return s.name }

func (s says) Find(*store.Tx) (team.Found, error) {
	in := store.Instance{ID: "https://gitlab.example.com", ClientID: s.application}
	return team.Found{Instances: []team.Instance{{Instance: in, Source: s.name, Origin: "the " + string(s.name)}}}, nil
}

func TestPolicyBeforeLocalBeforeTeamBeforeWorkspace(t *testing.T) {
	for _, c := range []struct {
		name        string
		sources     []team.Source // as the agent has them
		application string
		source      protocol.Source
		conflicts   []protocol.Source
	}{
		{"all differ", []team.Source{says{"policy", "1"}, says{"local", "2"}, says{"team", "3"}, says{"workspace", "4"}}, "1", "policy", []protocol.Source{"local", "team", "workspace"}},
		{"without a policy", []team.Source{says{"local", "2"}, says{"team", "3"}, says{"workspace", "4"}}, "2", "local", []protocol.Source{"team", "workspace"}},
		{"without both", []team.Source{says{"team", "3"}, says{"workspace", "4"}}, "3", "team", []protocol.Source{"workspace"}},
		{"one that agrees", []team.Source{says{"local", "2"}, says{"team", "2"}, says{"workspace", "4"}}, "2", "local", []protocol.Source{"workspace"}},
		{"weaker ones that agree with each other", []team.Source{says{"local", "2"}, says{"team", "3"}, says{"workspace", "3"}}, "2", "local", []protocol.Source{"team", "workspace"}},
		{"all agree", []team.Source{says{"policy", "1"}, says{"local", "1"}, says{"team", "1"}, says{"workspace", "1"}}, "1", "policy", nil},
	} {
		in, err := directory(t, c.sources...).Resolve("gitlab.example.com")
		if err != nil || in.ClientID != c.application || in.Source != c.source {
			t.Errorf("%s: %q of %s, %v; want %q of %s", c.name, in.ClientID, in.Source, err, c.application, c.source)
		}
		var conflicts []protocol.Source
		for _, conflict := range in.Conflicts {
			conflicts = append(conflicts, conflict.Source)
			if !slices.Equal(conflict.Fields, []string{"clientId"}) || conflict.Origin != "the "+string(conflict.Source) {
				t.Errorf("%s: the conflict is %+v", c.name, conflict)
			}
		}
		if !slices.Equal(conflicts, c.conflicts) {
			t.Errorf("%s: it conflicts with %v, want %v", c.name, conflicts, c.conflicts)
		}
	}
}

// TestAnotherSpellingIsNoOtherInstance: a repository's file gets around no stronger
// source by letters that lead to the same host.
func TestAnotherSpellingIsNoOtherInstance(t *testing.T) {
	stronger := fixed{name: protocol.SourcePolicy, ids: []string{"http://localhost:3000", "https://[2001:db8::1]"}}
	for _, url := range []string{"http://ｌｏｃａｌｈｏｓｔ:3000", "http://localhoſt:3000/", "http://LOCALHOST。:3000", "https://[2001:db8:0::1]:443"} {
		w, _ := workspace(t, `{"instances": [{"url": "`+url+`", "clientId": "evil"}]}`)
		w.SetTrusted(true)
		found := survey(t, stronger, w)
		if len(found.Instances) != 2 || len(found.Instances[0].Conflicts)+len(found.Instances[1].Conflicts) != 1 || len(found.Problems) > 0 {
			t.Errorf("with %q there are %+v, and the problems %v", url, found.Instances, found.Problems)
		}
	}
}
