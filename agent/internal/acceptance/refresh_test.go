//go:build doorkeeper

package acceptance

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestExpiredTokenIsRefreshedOnce lets the access token end while the agents
// think it good, and asks many things at once. A refresh token is good once: there
// must be one refresh, and everybody must be served.
func TestExpiredTokenIsRefreshedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		windows  int // on one data directory
		requests int // at once, in each
	}{
		{"one window", 1, 8},
		{"eight windows", 8, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, first := signedIn(t, nil)
			windows := []*window{first}
			for len(windows) < test.windows {
				windows = append(windows, openWindow(t, first.dataDir, first.secrets...))
			}
			for _, w := range windows { // which then know the account
				ask(w, protocol.CurrentUser, protocol.CurrentUserParams{})
			}
			before := first.stored()
			if expired := d.expireTokens(); expired != 1 {
				t.Fatalf("%d tokens have expired, want 1", expired)
			}
			askAtOnce(t, windows, test.requests)
			checkRefresh(t, d.journal())
			if after := first.stored(); after.access == before.access || after.refresh == before.refresh {
				t.Error("the store has an old token")
			}
			if status := d.userStatus(before.access); status != http.StatusUnauthorized {
				t.Errorf("the API answers %d to the old access token", status)
			}
			for i, w := range windows {
				w.awaitChange("signedIn refreshed")
				want := []string{"signedIn refreshed"}
				if i == 0 {
					want = []string{"signedIn", "signedIn refreshed"}
				}
				if got := w.changes(); !slices.Equal(got, want) {
					t.Errorf("window %d was told %q, want %q", i, got, want)
				}
			}
		})
	}
}

// askAtOnce asks many things in each window, all side by side.
func askAtOnce(t *testing.T, windows []*window, requests int) {
	t.Helper()
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i, w := range windows {
		for j := range requests {
			all.Go(func() {
				<-begin
				var err error
				if j%2 == 0 {
					_, err = call(w, protocol.CurrentUser, protocol.CurrentUserParams{})
				} else {
					_, err = call(w, protocol.CallAPI, protocol.CallAPIParams{Path: "/projects"})
				}
				if err != nil {
					t.Errorf("request %d of window %d: %v", j, i, err)
				}
			})
		}
	}
	close(begin)
	all.Wait()
}

// checkRefresh looks at the one refresh that there must be.
func checkRefresh(t *testing.T, j journal) {
	t.Helper()
	refreshes := j.grants("refresh_token")
	if len(refreshes) != 1 || refreshes[0].Status != http.StatusOK {
		t.Fatalf("there were the refreshes %+v, want one", refreshes)
	}
	for _, name := range []string{"client_id", "client_secret", "redirect_uri", "refresh_token"} {
		if !slices.Contains(refreshes[0].Parameters, name) {
			t.Errorf("the refresh lacks %s", name)
		}
	}
	if len(refreshes[0].Query) > 0 || refreshes[0].Authorization != "" {
		t.Errorf("the refresh was %+v, want everything in the body", refreshes[0])
	}
}

// TestRestartKeepsUser ends the agent and starts another on the same data: the
// person stays signed in, through a refresh as well.
func TestRestartKeepsUser(t *testing.T) {
	t.Parallel()
	d, w := signedIn(t, nil)
	want := w.onlyInstance()
	for _, expired := range []bool{false, true} {
		w.close()
		if expired {
			d.expireTokens()
		}
		before := d.journal()
		w = openWindow(t, w.dataDir, w.secrets...)
		if got := w.onlyInstance(); got.Auth.State != protocol.StateSignedIn || got.ClientID != want.ClientID || got.Version != want.Version {
			t.Errorf("after a restart the instance is %+v, want %+v", got, want)
		}
		if asked := d.journal().since(before).Requests; len(asked) > 0 {
			t.Errorf("the start and status alone asked GitLab %+v", asked)
		}
		if user := ask(w, protocol.CurrentUser, protocol.CurrentUserParams{}); user != want.Auth.Accounts[0].User {
			t.Errorf("after a restart the user is %+v", user)
		}
	}
	if status := d.userStatus(ask(w, protocol.Token, protocol.TokenParams{}).AccessToken); status != http.StatusOK {
		t.Errorf("the API answers %d to the token", status)
	}
	checkRefresh(t, d.journal())
}

// TestTokenIsRefreshedAhead lets a token run out by the clock: it is refreshed
// before GitLab has to refuse it.
func TestTokenIsRefreshedAhead(t *testing.T) {
	t.Parallel()
	d, w := signedIn(t, []string{"DOORKEEPER_TOKEN_LIFETIME=5"})
	w.stored().untilExpired(w.ctx, d)
	before := d.journal()
	ask(w, protocol.CurrentUser, protocol.CurrentUserParams{})
	for _, e := range d.journal().since(before).Requests {
		if e.Status != http.StatusOK {
			t.Errorf("GitLab had to refuse %+v", e)
		}
	}
	_, err := call(w, protocol.Token, protocol.TokenParams{})
	refused(t, err, protocol.InvalidParams) // no token lives the 60 s that are asked for
	validity := 1
	token := ask(w, protocol.Token, protocol.TokenParams{MinValiditySeconds: &validity})
	if status := d.userStatus(token.AccessToken); status != http.StatusOK {
		t.Errorf("the API answers %d to the token", status)
	}
}
