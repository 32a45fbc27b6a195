//go:build doorkeeper

package acceptance

import (
	"context"
	"testing"
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
	err := store.New(w.dataDir).View(func(tx *store.Tx) error {
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

// untilExpired waits until the access token has run out by the clock.
func (s stored) untilExpired(ctx context.Context, t *testing.T) {
	t.Helper()
	expired := time.NewTimer(time.Until(s.ExpiresAt))
	defer expired.Stop()
	select {
	case <-expired.C:
	case <-ctx.Done():
		t.Fatal(context.Cause(ctx))
	}
}

// changes returns what the window was told of accounts, as "state reason". It
// reads all that came when the window is closed.
func (w *window) changes() (list []string) {
	for _, m := range w.Messages() {
		if m.Method == protocol.DidChangeAuthentication.Method() {
			list = append(list, describeChange(w.t, m.Params))
		}
	}
	return list
}
