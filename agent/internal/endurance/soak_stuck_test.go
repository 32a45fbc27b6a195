//go:build soak

package endurance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

const (
	// stuckRequests is more than a pipe holds the answers of: it has 64 KiB on
	// Linux (pipe(7)), and less elsewhere. batch of them are sent at a time.
	stuckRequests = 900
	batch         = 100
	// stuckChanges is how often another window changes things meanwhile, and burst
	// how many requests the stuck one sends each time. Their answers, with a name
	// that is that long, would be 200 MB if the agent kept them all.
	stuckChanges = 50
	burst        = 400
	nameLength   = 10_000
)

// An editor that stops reading while its agent refreshes a token, answers
// requests, and has to tell what another window does. The other window must not
// notice, and when the first reads again nothing is missing.
func TestSoakAnEditorThatStopsReading(t *testing.T) {
	measure(t, bounds{memory: 160 << 20, goroutines: many}, func(t *testing.T, start launcher) {
		ctx, p := within(t), signedInPlace(t)
		var tap *valve
		stuck := start(t, p.dir, func(process *sessiontest.Process) *valve {
			tap = newValve(process.Stdout)
			return tap
		})
		other := launch(t, p.dir)
		if err := errors.Join(stuck.greet(ctx), other.greet(ctx)); err != nil {
			t.Fatal(err)
		}
		tally := newAnswerTally(stuck)
		refreshWhileShut(ctx, t, p, tap, tally, other)
		latest := changeThings(t, p, other, tally)

		tap.open()
		ctx, cancel := context.WithTimeout(t.Context(), 4*patience) // there is much to read
		defer cancel()
		refused, err := tally.wantAll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("of %d requests to the agent of the stuck editor, %d were refused by its own limit", tally.sent, refused)
		if m := tally.answers["1"]; m.Error != nil {
			t.Errorf("the refresh in the stuck window was answered with %s", m.Raw)
		}
		if status, err := call(ctx, stuck, protocol.Status, protocol.StatusParams{}); err != nil || status.Instances[0].Name != latest {
			t.Errorf("the window that was stuck has an old state, or none: %v", err)
		}
	})
}

// refreshWhileShut lets the agent refresh a token, and its editor stop reading
// before that is done and with more answers to come than the pipe takes. It
// returns when the new token is saved, which the other window is told.
func refreshWhileShut(ctx context.Context, t *testing.T, p *place, tap *valve, tally *answerTally, other *window) {
	t.Helper()
	release := make(chan struct{})
	p.expire(t, "sam")
	p.SetFault(providertest.EndpointToken, providertest.Fault{Hold: release, Times: 1})
	before, versions := p.Count(http.MethodPost, tokenPath), p.Count(http.MethodGet, "/api/v4/version")
	err := tally.ask(protocol.CurrentUser.Method(), protocol.CurrentUserParams{Instance: p.URL(), Account: accountOf["sam"]})
	if err = errors.Join(err, p.Await(ctx, http.MethodPost, tokenPath, before+1)); err != nil {
		t.Fatal(err)
	}
	tap.shut()
	for n := batch; n <= stuckRequests; n += batch {
		for range batch {
			err = errors.Join(err, tally.ask(protocol.CallAPI.Method(), protocol.CallAPIParams{Instance: p.URL(), Account: accountOf["kim"], Path: "/version"}))
		}
		// At the last batch the answers of those before it wait for the editor.
		if err = errors.Join(err, p.Await(ctx, http.MethodGet, "/api/v4/version", versions+n)); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	if _, err := other.Next(ctx, protocol.DidChangeAuthentication.Method()); err != nil {
		t.Fatal("the refresh is not saved:", err)
	}
}

// changeThings does in a window all that other windows are told of, while the
// stuck one goes on to ask. It returns the name that the instance has then.
func changeThings(t *testing.T, p *place, w *window, stuck *answerTally) (latest string) {
	t.Helper()
	want := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("another window's editor is stuck, and %s has failed here: %v", what, err)
		}
	}
	for i := range stuckChanges {
		ctx := within(t)
		for range burst {
			want("a request", stuck.ask(protocol.Status.Method(), protocol.StatusParams{}))
		}
		latest = fmt.Sprintf("GitLab %0*d", nameLength, i+1)
		p.expire(t, "sam")
		_, err := p.currentUser(ctx, w, "sam")
		want("a refresh", err)
		want("configure", p.configure(ctx, w, latest))
		want("disconnect", p.disconnect(ctx, w, "kim"))
		want("a sign-in", p.signIn(ctx, w, "kim", nil))
	}
	late := launch(t, p.dir)
	want("the start of one more", late.greet(within(t)))
	_, err := p.currentUser(within(t), late, "kim")
	want("a request of one more", err)
	return latest
}
