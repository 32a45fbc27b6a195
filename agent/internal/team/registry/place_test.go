package registry

import (
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestAPlaceIsTheSameInEverySpelling: and another for another team, whose servers may
// be the same.
func TestAPlaceIsTheSameInEverySpelling(t *testing.T) {
	place := func(team, servers string) string {
		t.Helper()
		r, err := New(Config{Settings: Settings{Team: protocol.Team{Name: team, Registry: servers}}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Place()
	}
	const a, b = "tls://a.example.com:4222", "tls://b.example.com"
	want := place("", a+","+b)
	for _, servers := range []string{b + ", " + a, a + "," + b + "," + a, "tls://A.example.com:4222,tls://B.EXAMPLE.com/", "tls://a.example.com,tls://b.example.com:4222"} {
		if got := place("team", servers); got != want {
			t.Errorf("%s is the place %q, want %q", servers, got, want)
		}
	}
	for _, other := range []string{place("alpha", a+","+b), place("Team", a+","+b), place("", a)} {
		if other == want {
			t.Errorf("another registry is the same place %q", want)
		}
	}
}
