package store

import (
	"context"
	"os"

	"github.com/gofrs/flock"
)

// The operating system gives the lock of a file to whoever comes while it is free,
// readers together: a writer would wait for ever while others read one after the
// other. So there is a gate before it, another file: whoever reads passes through,
// and a writer keeps it shut behind itself until it has the file. SQLite has its
// PENDING lock for this (https://www.sqlite.org/lockingv3.html, section 5.1).

func (s *Store) gatePath() string { return s.path() + ".gate" }

// passOrShutGate is passGate for whoever reads, and shutGate for whoever writes.
func (s *Store) passOrShutGate(readOnly bool) (open func(), err error) {
	if readOnly {
		return func() {}, s.passGate()
	}
	return s.shutGate()
}

// passGate waits for as long as a writer waits for the file. It returns StoreBusy
// where that takes too long.
func (s *Store) passGate() error {
	gate := flock.New(s.gatePath(), flock.SetFlag(os.O_RDONLY))
	passed, err := gate.TryRLock()
	if err == nil && !passed {
		ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
		defer cancel()
		if _, err := gate.TryRLockContext(ctx, lockPoll); err != nil {
			return s.busy()
		}
	}
	gate.Close() // which fails where there is none: nobody has written yet
	return nil
}

// shutGate lets no reader in until it is opened. It returns StoreBusy where
// another writer waits for too long.
func (s *Store) shutGate() (open func(), err error) {
	gate := flock.New(s.gatePath(), flock.SetPermissions(fileMode))
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	if _, err := gate.TryLockContext(ctx, lockPoll); err != nil {
		if ctx.Err() != nil {
			return nil, s.busy()
		}
		return nil, s.unusable(err)
	}
	return func() { gate.Close() }, nil
}
