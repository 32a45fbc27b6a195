package endurance

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// crowdSize is how many agents ask at once.
const crowdSize = 64

// A crowd are windows on one data directory.
type crowd struct {
	*place
	windows []*window
}

// gather starts the agents of a crowd, side by side.
func gather(ctx context.Context, t *testing.T, p *place) crowd {
	t.Helper()
	c := crowd{p, make([]*window, crowdSize)}
	for i := range c.windows {
		c.windows[i] = launch(t, p.dir)
	}
	c.each(t, func(w *window) error { return w.greet(ctx) })
	if t.Failed() {
		t.FailNow()
	}
	return c
}

// each does something in every window, side by side.
func (c crowd) each(t *testing.T, do func(*window) error) {
	t.Helper()
	var all sync.WaitGroup
	for i, w := range c.windows {
		all.Go(func() {
			if err := do(w); err != nil {
				t.Errorf("window %d: %v", i, err)
			}
		})
	}
	all.Wait()
}

// An answer is what a window was told that asked for a user's token and, beside
// that, for the user.
type answer struct {
	token    protocol.TokenResult
	tokenErr error
	user     protocol.User
	userErr  error
}

func (a answer) errs() []error {
	return slices.DeleteFunc([]error{a.tokenErr, a.userErr}, func(err error) bool { return err == nil })
}

// ask makes every window ask, all at once, and returns a function that waits for
// the answers.
func (c crowd) ask(ctx context.Context, user string) (answers func() []answer) {
	all := make([]answer, len(c.windows))
	var answered sync.WaitGroup
	for i, w := range c.windows {
		token := begin(w, protocol.Token, protocol.TokenParams{Instance: c.URL(), Account: accountOf[user]})
		currentUser := begin(w, protocol.CurrentUser, protocol.CurrentUserParams{Instance: c.URL(), Account: accountOf[user]})
		answered.Go(func() { all[i].token, all[i].tokenErr = token(ctx) })
		answered.Go(func() { all[i].user, all[i].userErr = currentUser(ctx) })
	}
	return func() []answer {
		answered.Wait()
		return all
	}
}

// wantServed checks that all were served, with one and the same token, and
// returns it.
func wantServed(t *testing.T, answers []answer, user string) (access string) {
	t.Helper()
	access = answers[0].token.AccessToken
	for i, a := range answers {
		switch {
		case len(a.errs()) > 0:
			t.Errorf("window %d was told %v", i, a.errs())
		case a.token.AccessToken != access:
			t.Errorf("window %d has another token than the first", i)
		case a.user.Username != user:
			t.Errorf("window %d: the token is of %q", i, a.user.Username)
		}
	}
	return access
}

// wantStored checks that this token is the one that is kept, is not an earlier
// one, and opens GitLab.
func (p *place) wantStored(ctx context.Context, t *testing.T, user, access, earlier string) {
	t.Helper()
	kept, err := p.stored(user)
	switch {
	case err != nil:
		t.Errorf("the store has no token of %s: %v", user, err)
	case kept != access:
		t.Error("the token that is kept is not the one that was handed out")
	case kept == earlier:
		t.Error("the token is still the old one")
	}
	if status, err := p.try(ctx, access); status != http.StatusOK {
		t.Errorf("GitLab answers %d to the new token (%v)", status, err)
	}
}

// try asks GitLab for the user with an access token.
func (p *place) try(ctx context.Context, access string) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/api/v4/user", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// wantRefreshes checks how GitLab answered the refreshes that came, in order; 0
// is for one whose answer did not arrive.
func (p *place) wantRefreshes(t *testing.T, want ...int) {
	t.Helper()
	var got []int
	for _, r := range p.refreshes() {
		got = append(got, r.Status)
	}
	if !slices.Equal(got, want) {
		t.Errorf("GitLab answered the refreshes with %d, want %d", got, want)
	}
	for _, violation := range p.Violations() {
		t.Error("GitLab found a violation:", violation)
	}
}
