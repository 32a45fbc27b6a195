//go:build doorkeeper

package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestExpiredTokenIsRefreshedOnce lets the access token end while the agents
// think it good, and asks many things at once: GitLab's refresh tokens can be
// used once, so there must be one refresh, and everybody must be served.
func TestExpiredTokenIsRefreshedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		windows  int // on one data directory
		requests int // at once, in each
	}{
		{"one request", 1, 1},
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
			// Whoever has answered knows the account, and hears of its refresh.
			for _, w := range windows {
				ask(w, protocol.CurrentUser, protocol.CurrentUserParams{})
			}
			before := first.stored()
			if expired := d.expireTokens(); expired != 1 {
				t.Fatalf("%d tokens have expired, want 1", expired)
			}
			for i, err := range ask8(windows, test.requests) {
				if err != nil {
					t.Errorf("request %d: %v", i, err)
				}
			}
			checkRefresh(t, d.journal())
			after := first.stored()
			if after.access == before.access || after.refresh == before.refresh {
				t.Error("the store has the old tokens")
			}
			if status := d.userStatus(before.access); status != http.StatusUnauthorized {
				t.Errorf("the API answers %d to the old access token", status)
			}
			for i, w := range windows {
				next[protocol.DidChangeAuthenticationParams](w.ctx, w, protocol.DidChangeAuthentication.Method())
				w.close()
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
