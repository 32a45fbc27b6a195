package endurance

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// causeOfALostAnswer is what SignInRequired gives as its cause where GitLab has
// changed the tokens, and the answer with the new ones never arrived.
const causeOfALostAnswer = "answerLost"

// killHolder lets a token run out and a crowd ask for it, and kills the agent
// that has the lock while GitLab holds its refresh. It returns what the others
// are told, and leaves them in the crowd.
func killHolder(ctx context.Context, t *testing.T, c *crowd, held providertest.Fault) []answer {
	t.Helper()
	p := c.place
	p.expire(t, "sam")
	release := make(chan struct{})
	defer close(release)
	held.Hold, held.Times = release, 1
	p.SetFault(providertest.EndpointToken, held)
	before := p.Count(http.MethodPost, tokenPath)
	// The first has the lock since nobody else has asked yet.
	first := crowd{p, c.windows[:1]}
	c.windows = c.windows[1:]
	lost := first.ask(ctx, "sam")
	if err := p.Await(ctx, http.MethodPost, tokenPath, before+1); err != nil {
		t.Fatal(err)
	}
	answers := c.ask(ctx, "sam")
	c.each(t, func(w *window) error { // whose answer comes after the requests were read
		_, err := call(ctx, w, protocol.Status, protocol.StatusParams{})
		return err
	})
	first.windows[0].kill()
	if errs := lost()[0].errs(); len(errs) != 2 {
		t.Errorf("the agent that was killed has answered; of two requests failed %v", errs)
	}
	return answers()
}

func TestEverybodyIsServedThoughTheOneThatRefreshesIsKilled(t *testing.T) {
	ctx, p := within(t), signedInPlace(t)
	c := gather(ctx, t, p)
	earlier, err := p.stored("sam")
	if err != nil {
		t.Fatal(err)
	}
	// GitLab never gets to handle the request.
	answers := killHolder(ctx, t, &c, providertest.Fault{DropBefore: true})
	access := wantServed(t, answers, "sam")
	p.wantStored(ctx, t, "sam", access, earlier)
	p.wantRefreshes(t, 0, 200)
}

// The one case in which the user has to sign in again: GitLab has changed the
// tokens, and nobody is left who knows the new ones.
func TestANewSignInCuresARefreshThatDiedWithItsAgent(t *testing.T) {
	ctx, p := within(t), signedInPlace(t)
	c := gather(ctx, t, p)
	wantSignInRequired(t, p, killHolder(ctx, t, &c, providertest.Fault{}))
	p.wantRefreshes(t, 0, 400)
	c.wantOthersKept(ctx, t)
	c.wantCure(ctx, t)
}

func TestANewSignInCuresARefreshWhoseAnswerWasLost(t *testing.T) {
	ctx, p := within(t), signedInPlace(t)
	c := gather(ctx, t, p)
	p.expire(t, "sam")
	p.SetFault(providertest.EndpointToken, providertest.Fault{DropAfter: true, Times: 1})
	unreachable := 0
	for i, a := range c.ask(ctx, "sam")() {
		for _, err := range a.errs() {
			switch {
			case errors.Is(err, protocol.HostUnreachable):
				unreachable++
			case !errors.Is(err, protocol.SignInRequired):
				t.Errorf("window %d was told %v", i, err)
			}
		}
		if len(a.errs()) != 2 {
			t.Errorf("window %d has an answer, though the token is gone", i)
		}
	}
	if unreachable > 1 {
		t.Errorf("%d were told that GitLab cannot be reached, which one could find", unreachable)
	}
	wantSignInRequired(t, p, c.ask(ctx, "sam")())
	p.wantRefreshes(t, 0, 400)
	c.wantOthersKept(ctx, t)
	c.wantCure(ctx, t)
}

// An error of GitLab's signs nobody out: whoever asks next tries again.
func TestNobodyIsSignedOutByAnErrorOfGitLabs(t *testing.T) {
	ctx, p := within(t), signedInPlace(t)
	c := gather(ctx, t, p)
	earlier, err := p.stored("sam")
	if err != nil {
		t.Fatal(err)
	}
	p.expire(t, "sam")
	p.SetFault(providertest.EndpointToken, providertest.Fault{Status: http.StatusInternalServerError, Times: 1})
	failed := 0
	for i, a := range c.ask(ctx, "sam")() {
		for _, err := range a.errs() {
			failed++
			if !errors.Is(err, protocol.GitLabError) || errorData(err).Status != http.StatusInternalServerError {
				t.Errorf("window %d was told %v", i, err)
			}
		}
	}
	if failed > 1 {
		t.Errorf("%d requests failed by one answer of GitLab's", failed)
	}
	access := wantServed(t, c.ask(ctx, "sam")(), "sam")
	p.wantStored(ctx, t, "sam", access, earlier)
	p.wantRefreshes(t, 500, 200)
	c.wantAuth(ctx, t, protocol.StateSignedIn)
}

// wantSignInRequired checks that all were told so, and why.
func wantSignInRequired(t *testing.T, p *place, answers []answer) {
	t.Helper()
	for i, a := range answers {
		if len(a.errs()) != 2 {
			t.Errorf("window %d has an answer, though the token is gone", i)
		}
		for _, err := range a.errs() {
			data := errorData(err)
			if !errors.Is(err, protocol.SignInRequired) || data.Instance != p.URL() || data.Details == nil || data.Details.Cause != causeOfALostAnswer {
				t.Errorf("window %d was told %v with %+v", i, err, data)
			}
		}
	}
}

// wantOthersKept checks that the instance is still there, and that the other user
// is signed in with the same tokens as before.
func (c crowd) wantOthersKept(ctx context.Context, t *testing.T) {
	t.Helper()
	refreshes := len(c.refreshes())
	c.wantAuth(ctx, t, protocol.StateSignedIn) // since kim is
	wantServed(t, c.ask(ctx, "kim")(), "kim")
	if n := len(c.refreshes()); n != refreshes {
		t.Errorf("the other user's tokens were refreshed %d times", n-refreshes)
	}
}

// wantAuth checks what every window says of the instance.
func (c crowd) wantAuth(ctx context.Context, t *testing.T, state protocol.AuthState) {
	t.Helper()
	c.each(t, func(w *window) error {
		status, err := call(ctx, w, protocol.Status, protocol.StatusParams{Instance: c.URL()})
		if err != nil {
			return err
		}
		if in := status.Instances[0]; in.Name != "GitLab" || in.Auth.State != state || len(in.Auth.Accounts) != len(users) {
			t.Errorf("the instance is %+v", in)
		}
		return nil
	})
}

// wantCure signs in again in one window, which has to serve all of them.
func (c crowd) wantCure(ctx context.Context, t *testing.T) {
	t.Helper()
	if err := c.signIn(ctx, c.windows[0], "sam", nil); err != nil {
		t.Fatal("the new sign-in:", err)
	}
	access := wantServed(t, c.ask(ctx, "sam")(), "sam")
	c.wantStored(ctx, t, "sam", access, "")
}
