package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

func TestAnIdThatWouldBeTwoKeysIsRefused(t *testing.T) {
	s := filled(t)
	for _, id := range []string{"", "a\nb", "a\x00b"} {
		if err := s.Update(func(tx *store.Tx) error { return tx.PutInstance(store.Instance{ID: id}, secret.Text{}) }); err == nil {
			t.Errorf("an instance with the id %q was saved", id)
		}
		for _, key := range []store.AccountKey{{Instance: gitlab, Account: id}, {Instance: id, Account: "1"}} {
			if err := s.Update(func(tx *store.Tx) error { return tx.PutAccount(account(key), store.Tokens{}) }); err == nil {
				t.Errorf("an account with the key %q was saved", key)
			}
		}
	}
}

func TestAFailedUpdateLeavesNoTrace(t *testing.T) {
	s := filled(t)
	failure := errors.New("no")
	err := s.Update(func(tx *store.Tx) error {
		return errors.Join(tx.DeleteInstance(gitlab), tx.PutInstance(store.Instance{ID: other}, secret.Text{}), failure)
	})
	if !errors.Is(err, failure) {
		t.Fatalf("the error is %v", err)
	}
	if ids, err := instances(s); err != nil || len(ids) != 1 || ids[0] != gitlab {
		t.Errorf("the instances are %q, %v", ids, err)
	}
	if got, err := tokens(s, sam); err != nil || got.Refresh.Reveal() != "refresh-of-sam" {
		t.Errorf("the tokens are gone: %v", err)
	}
}

func TestWithAnInstanceGoItsAccountsAndSecrets(t *testing.T) {
	s := filled(t)
	// A neighbour whose id begins the same way keeps what it has.
	neighbour := store.AccountKey{Instance: gitlab + ".org", Account: "1"}
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutInstance(store.Instance{ID: neighbour.Instance}, secret.New("another")),
			tx.PutAccount(account(neighbour), store.Tokens{Access: secret.New("neighbours")}),
			tx.DeleteInstance(gitlab),
		)
	})
	for _, key := range []store.AccountKey{sam, alex} {
		if _, err := tokens(s, key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("tokens of account %s are left: %v", key.Account, err)
		}
	}
	err := s.View(func(tx *store.Tx) error {
		all, err := tx.Accounts()
		if len(all) != 1 || all[0].Key() != neighbour {
			t.Errorf("the accounts left are %v", all)
		}
		clientSecret, secretErr := tx.ClientSecret(gitlab)
		if !clientSecret.IsEmpty() {
			t.Error("the client secret is left")
		}
		return errors.Join(err, secretErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tokens(s, neighbour); err != nil || got.Access.Reveal() != "neighbours" {
		t.Errorf("the neighbour's tokens are gone: %v", err)
	}
}

func TestAnApplicationThatLosesItsSecret(t *testing.T) {
	s := filled(t)
	update(t, s, func(tx *store.Tx) error {
		return tx.PutInstance(store.Instance{ID: gitlab, Confidential: true}, secret.Text{})
	})
	err := s.View(func(tx *store.Tx) error {
		in, err := tx.Instance(gitlab)
		if in.Confidential {
			t.Error("it still counts as confidential")
		}
		clientSecret, secretErr := tx.ClientSecret(gitlab)
		if !clientSecret.IsEmpty() {
			t.Error("the old secret is still used")
		}
		return errors.Join(err, secretErr)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARefusedAccountLosesItsTokensOnly(t *testing.T) {
	s := filled(t)
	update(t, s, func(tx *store.Tx) error { return tx.RefuseAccount(sam, "revoked") })
	if _, err := tokens(s, sam); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a refused account has tokens: %v", err)
	}
	if got, err := tokens(s, alex); err != nil || got.Access.Reveal() != "access-of-alex" {
		t.Errorf("the other account is concerned: %v", err)
	}
	err := s.View(func(tx *store.Tx) error {
		refused, err := tx.Account(sam)
		if refused.Refused != "revoked" || refused.User.Username != "user1" {
			t.Errorf("the account is %+v", refused)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecordsThatAreNotThere(t *testing.T) {
	nobody := store.AccountKey{Instance: gitlab, Account: "none"}
	for name, s := range map[string]*store.Store{"new": store.New(t.TempDir(), store.Options{}), "filled": filled(t)} {
		err := s.View(func(tx *store.Tx) error {
			_, instance := tx.Instance(other)
			_, account := tx.Account(nobody)
			_, tokens := tx.Tokens(nobody)
			for what, err := range map[string]error{"instance": instance, "account": account, "tokens": tokens} {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s store, %s: %v, want ErrNotFound", name, what, err)
				}
			}
			clientSecret, err := tx.ClientSecret(other)
			if !clientSecret.IsEmpty() {
				t.Errorf("%s store: a client secret for nobody", name)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s store: %v", name, err)
		}
		err = s.Update(func(tx *store.Tx) error {
			return errors.Join(tx.SetVersion(other, "17.0.0", time.Now()), tx.RefuseAccount(nobody, "revoked"))
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s store: a change of nothing: %v, want ErrNotFound", name, err)
		}
	}
}
