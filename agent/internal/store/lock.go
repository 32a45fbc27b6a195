package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a process looks whether another has let go of an
// account. The wait is for a network call of the other, so this is short.
const lockPoll = 10 * time.Millisecond

// accountTimeout is how long an account can be worked on: longer than the network
// call of a refresh or a revocation may take.
const accountTimeout = 45 * time.Second

// accountLocks serialises the goroutines of this process, an account at a time;
// the lock file does the same for processes.
type accountLocks struct {
	mu   sync.Mutex
	held map[AccountKey]chan struct{} // one slot each
}

func (l *accountLocks) slot(key AccountKey) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[AccountKey]chan struct{})
	}
	if l.held[key] == nil {
		l.held[key] = make(chan struct{}, 1)
	}
	return l.held[key]
}

// LockAccount waits until no other goroutine or process works on the account's
// tokens, and returns a function that lets the next one in. Whoever holds the
// lock reads the store again before deciding anything. The operating system
// drops the lock of a process that dies.
//
// Errors: ctx's cause, StoreBusy where the time has run out, and StoreDamaged
// where the lock file cannot be made.
func (s *Store) LockAccount(ctx context.Context, key AccountKey) (unlock func(), err error) {
	defer s.note("wait for an account", time.Now(), &err)
	ctx, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	slot := s.accounts.slot(key)
	select {
	case slot <- struct{}{}:
	case <-ctx.Done():
		return nil, s.noLock(ctx)
	}
	dir := filepath.Join(s.dir, locksDir)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		<-slot
		return nil, s.unusable(err)
	}
	sum := sha256.Sum256([]byte(key.String()))
	file := flock.New(filepath.Join(dir, hex.EncodeToString(sum[:16])), flock.SetPermissions(fileMode))
	if _, err := file.TryLockContext(ctx, lockPoll); err != nil {
		<-slot
		if ctx.Err() != nil {
			return nil, s.noLock(ctx)
		}
		return nil, s.unusable(err)
	}
	return func() {
		file.Unlock()
		<-slot
	}, nil
}

// noLock is the error for a wait that ctx has ended: StoreBusy where the time has
// run out, else its cause.
func (s *Store) noLock(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return s.busy()
	}
	return context.Cause(ctx)
}
