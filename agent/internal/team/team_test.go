package team_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed is a source that does not change.
type fixed struct {
	name protocol.Source
	ids  []string
	err  error
}

func (f fixed) Name() protocol.Source { return f.name }

func (f fixed) Find(*store.Tx) (found team.Found, err error) {
	for _, id := range f.ids {
		found.Instances = append(found.Instances, team.Instance{Instance: store.Instance{ID: id, Name: string(f.name)}, Source: f.name})
	}
	return found, f.err
}

func directory(t *testing.T, sources ...team.Source) *team.Directory {
	return team.NewDirectory(store.New(t.TempDir(), store.Options{}), gitlabsm.Provider{}, sources...)
}

func TestTheStrongerSourceCounts(t *testing.T) {
	local := fixed{name: protocol.SourceLocal, ids: []string{"https://b.example.com"}}
	shared := fixed{name: protocol.SourceTeam, ids: []string{"https://a.example.com", "https://b.example.com", "https://c.example.com"}}
	all, err := directory(t, local, shared).List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range all {
		got = append(got, in.ID+" "+in.Name+" "+string(in.Source))
	}
	want := []string{"https://a.example.com team team", "https://b.example.com local local", "https://c.example.com team team"}
	if !slices.Equal(got, want) {
		t.Errorf("the instances are %q, want %q", got, want)
	}
}

func TestASourceThatFailsIsNotLeftOut(t *testing.T) {
	failure := errors.New("no")
	d := directory(t, fixed{name: protocol.SourceLocal, ids: []string{"https://a.example.com"}}, fixed{name: protocol.SourceTeam, err: failure})
	if list, err := d.List(); !errors.Is(err, failure) || list != nil {
		t.Errorf("List: %v, %v", list, err)
	}
	if _, err := d.Resolve("https://a.example.com"); !errors.Is(err, failure) {
		t.Errorf("Resolve: %v", err)
	}
}

func TestAnInstanceIsFoundByAnySpelling(t *testing.T) {
	d := directory(t, fixed{name: protocol.SourceLocal, ids: []string{"https://git.example.com/Root", "https://gitlab.example.com:8443"}})
	for spelling, want := range map[string]string{
		"https://git.example.com/Root":         "https://git.example.com/Root",
		"HTTPS://Git.Example.com:443/Root/":    "https://git.example.com/Root",
		"gitlab.example.com:8443":              "https://gitlab.example.com:8443",
		"https://git.example.com/root":         "", // the case of a path counts
		"https://git.example.com":              "",
		"https://gitlab.example.com":           "", // so does the port
		"https://gitlab.example.com:8443.evil": "",
	} {
		in, err := d.Resolve(spelling)
		if in.ID != want || (err == nil) != (want != "") {
			t.Errorf("%s is found as %q, %v; want %q", spelling, in.ID, err, want)
		}
	}
}

func TestWithoutANameThereIsOneOrAQuestion(t *testing.T) {
	one := fixed{name: protocol.SourceLocal, ids: []string{"https://a.example.com"}}
	if in, err := directory(t, one).Resolve(""); err != nil || in.ID != "https://a.example.com" {
		t.Errorf("the only one is found as %q, %v", in.ID, err)
	}
	if _, err := directory(t).Resolve(""); !errors.Is(err, protocol.NotConfigured) {
		t.Errorf("of none: %v, want NotConfigured", err)
	}
	two := fixed{name: protocol.SourceTeam, ids: []string{"https://b.example.com"}}
	_, err := directory(t, one, two).Resolve("")
	if !errors.Is(err, protocol.InvalidParams) || !strings.Contains(err.Error(), "https://a.example.com, https://b.example.com") {
		t.Errorf("of two: %v, want InvalidParams that lists both", err)
	}
}
