package sessiontest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// The store as others find it: its files, by the names that package store gives
// them.
const (
	storeFile = "agent.db"
	keyFiles  = "key-*"
)

// lockPoll is how often the harness looks whether an agent has let go of the
// store.
const lockPoll = 5 * time.Millisecond

// parseStore reads what happens to the data directory.
func parseStore(words *script.Words) action {
	switch verb := words.Word("what happens to the store"); verb {
	case "expires":
		user := words.Word("the user")
		return func(_ context.Context, s *session) error { return ExpireAccount(s.dataDir, user) }
	case "locked":
		return func(ctx context.Context, s *session) (err error) {
			if s.world.storeLock != nil {
				return errors.New("the store is locked already")
			}
			s.world.storeLock, err = lockStore(ctx, s.dataDir)
			return err
		}
	case "unlocked":
		return func(_ context.Context, s *session) error { s.world.unlockStore(); return nil }
	case "damaged":
		return func(ctx context.Context, s *session) error { return damageStore(ctx, s.dataDir) }
	case "version":
		words.Expect("old")
		return func(_ context.Context, s *session) error { return ageVersions(s.dataDir) }
	case "key":
		words.Expect("lost")
		return func(_ context.Context, s *session) error { return loseKey(s.dataDir) }
	default:
		words.Fail("%q does not happen to a store", verb)
		return nil
	}
}

// ExpireAccount lets a user's tokens in a data directory appear to have ended an
// hour ago, as "! store expires" does. Agents may be at work there.
func ExpireAccount(dataDir, user string) error {
	return store.New(dataDir, store.Options{}).Update(func(tx *store.Tx) error {
		accounts, err := tx.Accounts()
		if err != nil {
			return err
		}
		found := false
		for _, account := range accounts {
			if account.User.Username != user {
				continue
			}
			found = true
			tokens, err := tx.Tokens(account.Key())
			if err != nil {
				return err
			}
			account.ExpiresAt = time.Now().UTC().Add(-time.Hour)
			// Each PutAccount counts as a refresh. This is none, and other windows
			// must not take it for one: so the account gets the serial it had.
			if err := tx.DeleteAccount(account.Key()); err != nil {
				return err
			}
			for range account.Serial {
				if err := tx.PutAccount(account, tokens); err != nil {
					return err
				}
			}
		}
		if !found {
			return fmt.Errorf("the store has no account of %s", user)
		}
		return nil
	})
}

// ageVersions lets the versions of instances appear to have been seen two days ago.
func ageVersions(dataDir string) error {
	return store.New(dataDir, store.Options{}).Update(func(tx *store.Tx) error {
		instances, err := tx.Instances()
		for _, in := range instances {
			err = errors.Join(err, tx.SetVersion(in.ID, in.Version, time.Now().UTC().Add(-48*time.Hour)))
		}
		return err
	})
}

// loseKey removes the key that seals the secrets.
func loseKey(dataDir string) error {
	paths, err := filepath.Glob(filepath.Join(dataDir, keyFiles))
	if err == nil && len(paths) != 1 {
		err = fmt.Errorf("there are %d key files, want one", len(paths))
	}
	if err != nil {
		return err
	}
	return os.Remove(paths[0])
}

// lockStore holds the file as another program would.
func lockStore(ctx context.Context, dataDir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dataDir, storeFile), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return nil, err
	}
	return lock, nil
}

// damageStore writes garbage over the file, in place and while no transaction
// has it open: agents have it mapped into their memory.
func damageStore(ctx context.Context, dataDir string) error {
	lock, err := lockStore(ctx, dataDir)
	if err != nil {
		return err
	}
	defer lock.Close()
	file, err := os.OpenFile(filepath.Join(dataDir, storeFile), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	garbage := make([]byte, max(info.Size(), 1<<16))
	rand.Read(garbage)
	_, err = file.Write(garbage)
	return errors.Join(err, file.Close())
}
