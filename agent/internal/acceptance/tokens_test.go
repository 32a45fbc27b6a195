//go:build doorkeeper

package acceptance

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// stored is an account as it lies in the data directory, with its tokens.
type stored struct {
	store.Account
	access, refresh string
}

// stored reads the only account from the data directory, which agents are using
// at the same time. Its refresh token must not turn up anywhere.
func (w *window) stored() (s stored) {
	w.t.Helper()
	err := store.New(w.dataDir, store.Options{}).View(func(tx *store.Tx) error {
		accounts, err := tx.Accounts()
		if err != nil || len(accounts) != 1 {
			w.t.Fatalf("the store has %d accounts, want 1; %v", len(accounts), err)
		}
		tokens, err := tx.Tokens(accounts[0].Key())
		s = stored{accounts[0], tokens.Access.Reveal(), tokens.Refresh.Reveal()}
		return err
	})
	if err != nil || s.access == "" || s.refresh == "" {
		w.t.Fatalf("the store has no pair of tokens; %v", err)
	}
	w.secrets = append(w.secrets, s.refresh)
	return s
}

// untilExpired waits until the access token has run out by the clock, and GitLab
// agrees: it began to count a moment after the agent did.
func (s stored) untilExpired(ctx context.Context, d *doorkeeper) {
	d.t.Helper()
	look := time.NewTimer(time.Until(s.ExpiresAt))
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if d.userStatus(s.access) == http.StatusUnauthorized {
				return
			}
			look.Reset(100 * time.Millisecond)
		case <-ctx.Done():
			d.t.Fatal(context.Cause(ctx))
		}
	}
}

// awaitChange waits until the window is told a change of the account, given as
// "state reason".
func (w *window) awaitChange(want string) {
	w.t.Helper()
	for {
		change := next[protocol.DidChangeAuthenticationParams](w.ctx, w, protocol.DidChangeAuthentication.Method())
		if describeChange(change) == want {
			return
		}
	}
}

// changes closes the window, and returns all that it was told of accounts.
func (w *window) changes() (list []string) {
	w.t.Helper()
	w.close()
	for _, m := range w.Messages() {
		if m.Method != protocol.DidChangeAuthentication.Method() {
			continue
		}
		var change protocol.DidChangeAuthenticationParams
		if err := json.Unmarshal(m.Params, &change); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, describeChange(change))
	}
	return list
}

func describeChange(change protocol.DidChangeAuthenticationParams) string {
	return strings.TrimSpace(string(change.State) + " " + change.Reason)
}
