//go:build soak

package endurance

import (
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	requestsOfALife = 20_000
	warmUp          = 1_000
	// sideBySide is how many requests the editor has under way.
	sideBySide = 8
	// betweenRefreshes is after how many requests the tokens run out.
	betweenRefreshes = 500
	// growth is how much more memory an agent may have at the end than when it was
	// warm, in bytes: the garbage collector lets it vary by some.
	growth = 16 << 20
)

// A long ordinary life: what it does not forget would show in its memory.
func TestSoakALongLife(t *testing.T) {
	measure(t, bounds{memory: 64 << 20, goroutines: 200}, func(t *testing.T, start launcher) {
		p := signedInPlace(t)
		w := start(t, p.dir, nil)
		if err := w.greet(within(t)); err != nil {
			t.Fatal(err)
		}
		tally := newAnswerTally(w)
		var warm int64
		for tally.sent < requestsOfALife {
			ctx := within(t)
			p.expire(t, "sam")
			for range betweenRefreshes {
				if tally.sent-len(tally.answers) == sideBySide {
					if _, err := tally.take(ctx); err != nil {
						t.Fatal(err)
					}
				}
				if err := tally.askSomething(p); err != nil {
					t.Fatal(err)
				}
			}
			if refused, err := tally.wantAll(ctx); err != nil || refused > 0 {
				t.Fatalf("%d were refused; %v", refused, err)
			}
			if tally.sent == warmUp {
				warm, _ = memory(w, "VmRSS") // measure says where it cannot be
			}
		}
		if n := len(p.refreshes()); n != requestsOfALife/betweenRefreshes {
			t.Errorf("there were %d refreshes, want %d", n, requestsOfALife/betweenRefreshes)
		}
		old, err := memory(w, "VmRSS")
		if err != nil {
			return
		}
		t.Logf("memory after %d requests: %d MiB, after %d: %d MiB", warmUp, mebibytes(warm), requestsOfALife, mebibytes(old))
		if old > warm+growth {
			t.Errorf("the agent has grown by %d MiB, want %d at the most", mebibytes(old-warm), mebibytes(growth))
		}
	})
}

// askSomething asks what editors ask, in turn.
func (a *answerTally) askSomething(p *place) error {
	account := accountOf["sam"]
	switch a.sent % 4 {
	case 0:
		return a.ask(protocol.CurrentUser.Method(), protocol.CurrentUserParams{Instance: p.URL(), Account: account})
	case 1:
		return a.ask(protocol.CallAPI.Method(), protocol.CallAPIParams{Instance: p.URL(), Account: account, Path: "/projects"})
	case 2:
		return a.ask(protocol.Token.Method(), protocol.TokenParams{Instance: p.URL(), Account: account})
	default:
		return a.ask(protocol.Status.Method(), protocol.StatusParams{})
	}
}
