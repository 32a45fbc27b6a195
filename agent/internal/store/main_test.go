package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// The names that the data directory's files have.
const (
	databaseFile  = "agent.db"
	legacyKeyFile = "key"
)

// holderVariable makes a process of the test binary hold an account's lock in
// the data directory that it names.
const holderVariable = "STORE_TEST_HOLD"

const (
	gitlab = "https://gitlab.example.com"
	other  = "https://other.example.com"
)

var (
	sam  = store.AccountKey{Instance: gitlab, Account: "1"}
	alex = store.AccountKey{Instance: gitlab, Account: "2"}
)

// TestMain checks that no goroutine outlives the tests, unless this process is
// only here to help one.
func TestMain(m *testing.M) {
	for variable, help := range helpers {
		if argument := os.Getenv(variable); argument != "" {
			os.Exit(help(argument))
		}
	}
	goleak.VerifyTestMain(m)
}

// helpers are what a process of the test binary can do for a test, by the variable
// that asks for it.
var helpers = map[string]func(argument string) int{holderVariable: holdLock, moverVariable: move}

// holdLock takes the lock of sam's account, says so, and lets go of it when
// stdin ends.
func holdLock(dir string) int {
	unlock, err := store.New(dir, store.Options{}).LockAccount(context.Background(), sam)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("held")
	bufio.NewReader(os.Stdin).ReadString('\n')
	unlock()
	return 0
}

// account is a signed-in account with that key.
func account(key store.AccountKey) store.Account {
	return store.Account{
		ID: key.Account, Instance: key.Instance, Method: protocol.MethodBrowser, ClientID: "client",
		User: protocol.User{Username: "user" + key.Account},
	}
}

// filled returns a store with an instance, two accounts and their secrets.
func filled(t *testing.T) *store.Store {
	t.Helper()
	return filledWith(t, store.Options{})
}

// filledWith is filled with options.
func filledWith(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s := store.New(filepath.Join(t.TempDir(), "data"), o)
	update(t, s, fill)
	return s
}

// fill puts an instance, two accounts and their secrets.
func fill(tx *store.Tx) error {
	if err := tx.PutInstance(store.Instance{ID: gitlab, ClientID: "client"}, secret.New("secret-of-the-client")); err != nil {
		return err
	}
	if err := tx.PutAccount(account(sam), store.Tokens{Access: secret.New("access-of-sam"), Refresh: secret.New("refresh-of-sam")}); err != nil {
		return err
	}
	return tx.PutAccount(account(alex), store.Tokens{Access: secret.New("access-of-alex")})
}

func update(t *testing.T, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Update(fn); err != nil {
		t.Fatal(err)
	}
}

// tokens reads an account's tokens.
func tokens(s *store.Store, key store.AccountKey) (tokens store.Tokens, err error) {
	err = s.View(func(tx *store.Tx) error {
		tokens, err = tx.Tokens(key)
		return err
	})
	return tokens, err
}

// keyFiles lists the files with data keys.
func keyFiles(t testing.TB, s *store.Store) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.Dir(), legacyKeyFile+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// keyFile returns the one file with a data key.
func keyFile(t testing.TB, s *store.Store) string {
	t.Helper()
	paths := keyFiles(t, s)
	if len(paths) != 1 {
		t.Fatalf("the key files are %q, want one", paths)
	}
	return paths[0]
}

// another is the store of another window, which knows no key yet.
func another(s *store.Store) *store.Store { return store.New(s.Dir(), s.Options) }

// instances reads the ids of all instances.
func instances(s *store.Store) (ids []string, err error) {
	err = s.View(func(tx *store.Tx) error {
		list, err := tx.Instances()
		for _, in := range list {
			ids = append(ids, in.ID)
		}
		return err
	})
	return ids, err
}

// raw changes the file behind the store's back.
func raw(t *testing.T, s *store.Store, fn func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(s.Dir(), databaseFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
}
