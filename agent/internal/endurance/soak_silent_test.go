//go:build soak

package endurance

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

const (
	manySignIns = 200
	// atOnce is how many are asked for before the first of them has begun: each
	// waits some seconds for an editor that does not answer.
	atOnce = 20
)

// An editor that answers neither window/showDocument nor
// window/workDoneProgress/create, and starts sign-ins each of which replaces the
// one before. What is left of a replaced one would show in the goroutines.
func TestSoakAnEditorThatNeverAnswers(t *testing.T) {
	measure(t, bounds{memory: 64 << 20, goroutines: manySignIns}, func(t *testing.T, start launcher) {
		p := newPlace(t, t.TempDir())
		w := start(t, p.dir, nil)
		w.Answer(protocol.ShowDocument.Method(), sessiontest.ByHand)
		w.Answer(protocol.WorkDoneProgressCreate.Method(), sessiontest.ByHand)
		ctx := within(t)
		err := w.introduce(ctx, protocol.InitializeParams{Capabilities: protocol.ClientCapabilities{Window: protocol.WindowCapabilities{
			WorkDoneProgress: true, ShowDocument: protocol.ShowDocumentCapabilities{Support: true},
		}}})
		if err := errors.Join(err, p.configure(ctx, w, "GitLab")); err != nil {
			t.Fatal(err)
		}
		tally := newAnswerTally(w)
		var last protocol.DidStartAuthenticationParams
		for tally.sent < manySignIns {
			ctx := within(t)
			for range atOnce {
				if err := tally.ask(protocol.Authenticate.Method(), protocol.AuthenticateParams{Instance: p.URL()}); err != nil {
					t.Fatal(err)
				}
			}
			for range atOnce {
				m, err := w.Next(ctx, protocol.DidStartAuthentication.Method())
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(m.Params, &last); err != nil {
					t.Fatal(err)
				}
			}
		}
		// The one that is left can still be brought to its end.
		ctx = within(t)
		browser := providertest.NewBrowser("sam", providertest.SecretPrefix+"pw-sam", nil)
		if _, err := browser.Approve(ctx, last.AuthorizeURL); err != nil {
			t.Fatal(err)
		}
		signedIn := 0
		for range manySignIns {
			id, err := tally.take(ctx)
			if err != nil {
				t.Fatal(err)
			}
			switch m := tally.answers[id]; {
			case m.Error == nil:
				signedIn++
			case !errors.Is(m.Error, protocol.RequestCancelled):
				t.Errorf("a sign-in that was replaced was answered with %s", m.Raw)
			}
		}
		if signedIn != 1 {
			t.Errorf("%d sign-ins have succeeded, want the last one", signedIn)
		}
	})
}
