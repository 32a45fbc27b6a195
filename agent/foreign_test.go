package agent

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/all"
)

// TestWhoSignsInMeanwhileIsForeignToo: whoever comes by the old application while it is
// given up does not stay as if they were signed in.
func TestWhoSignsInMeanwhileIsForeignToo(t *testing.T) {
	a := New(Config{Providers: all.Providers(), KeyringOff: true, Log: slog.New(slog.DiscardHandler)})
	s := a.newSession(t.TempDir())
	in := store.Instance{ID: "https://gitlab.example.com", ClientID: "old"}
	account := func(id, clientID string) store.Account {
		return store.Account{ID: id, Instance: in.ID, Method: protocol.MethodBrowser, ClientID: clientID}
	}
	signIn := func(tx *store.Tx, account store.Account) error {
		return tx.PutAccount(account, store.Tokens{Access: secret.New("glfake-access"), Refresh: secret.New("glfake-refresh")})
	}
	err := s.store.Update(func(tx *store.Tx) error {
		return errors.Join(tx.PutInstance(in, secret.Text{}), signIn(tx, account("1", "old")), signIn(tx, account("2", "new")))
	})
	if err != nil {
		t.Fatal(err)
	}
	in.ClientID = "new"
	leaving, err := s.foreignAccounts(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer leaving.end()
	err = s.store.Update(func(tx *store.Tx) error {
		return errors.Join(signIn(tx, account("3", "old")), tx.PutInstance(in, secret.Text{}), leaving.forget(tx))
	})
	if err != nil {
		t.Fatal(err)
	}
	left, err := s.accountsOf(in.ID)
	if err != nil || len(left) != 2 || left[0].ID != "2" || left[1].ID != "3" {
		t.Fatalf("there are %+v, %v; want 2 and 3", left, err)
	}
	if left[0].Refused != "" || left[1].Refused != auth.ReasonOtherApplication {
		t.Errorf("they are refused for %q and %q", left[0].Refused, left[1].Refused)
	}
}
