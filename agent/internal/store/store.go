package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	fileName = "agent.db"

	// lockTimeout bounds the wait for another process's transaction, which takes
	// milliseconds where nothing is wrong.
	lockTimeout = 3 * time.Second

	// maxReaders is how many goroutines read the file at a time.
	maxReaders = 8
)

// ErrNotFound says that there is no such record. Callers decide what its absence
// means to the user.
var ErrNotFound = errors.New("store: no such record")

// Options say how a store keeps its data keys.
type Options struct {
	// Keyring holds data keys. Default: none, so that they lie in files.
	Keyring Keyring
	// Seen is told each secret that is unsealed or put, within the transaction.
	// Default: nobody is.
	Seen func(secret.Text)
	// Log is told what was mended, and at the level debug what was slow or failed.
	// Default: nobody is.
	Log *slog.Logger
}

// Store is a user's data directory. Its methods may be called from many
// goroutines, and from many processes that have the same directory.
type Store struct {
	dir string
	Options

	// file is held for reading by View and for writing by Update: bbolt polls its
	// file lock every 50 ms, which goroutines of one process need not suffer.
	file sync.RWMutex

	// readers holds those that read. The others wait here, where they cost nothing:
	// a file that another process has is asked for again and again.
	readers chan struct{}

	off     atomic.Bool                 // new keys stay out of the keyring
	secured atomic.Bool                 // modes and owners were looked at
	sound   atomic.Pointer[os.FileInfo] // the file as it was last found whole
	asking  singleflight.Group          // for keys in the keyring, by id
	answers atomic.Bool                 // whether the keyring did, when last asked
	keys    keyCache

	accounts accountLocks
}

// New returns the store in the directory dir. Nothing is read or created before
// the first transaction, and no keyring asked before a secret needs it.
func New(dir string, o Options) *Store {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{dir: dir, Options: o, readers: make(chan struct{}, maxReaders)}
}

// UseKeyring says whether new data keys go into the keyring; they do until it is
// called. What the keyring holds already is still read there where they do not,
// and moves to a key file with the next secret that is written.
func (s *Store) UseKeyring(use bool) { s.off.Store(!use) }

// Dir returns the data directory.
func (s *Store) Dir() string { return s.dir }

// File returns the path of the store's file: it changes with each change of the store,
// whoever makes it, and not where it is read.
func (s *Store) File() string { return s.path() }

func (s *Store) path() string { return filepath.Join(s.dir, fileName) }

// View runs fn with a consistent view of the store. A store that does not exist
// yet is empty.
//
// fn may be run several times, each time with a new view: a data key is fetched
// between two runs, so that a slow keyring never holds the file. What fn does
// besides reading has to bear that.
//
// Errors: StoreBusy where another process holds the file for too long,
// StoreDamaged where it cannot be read or is not safe to use.
func (s *Store) View(fn func(*Tx) error) error { return s.run(true, fn) }

// Update runs fn with a transaction that is on disk when Update returns without
// an error, and has left no trace when it returns one. The directory and the
// file are created where they do not exist. fn may be run several times, as in
// View; only the last run counts.
//
// Errors: as View.
func (s *Store) Update(fn func(*Tx) error) error { return s.run(false, fn) }

// run runs fn until it has all the keys that it asks for.
func (s *Store) run(readOnly bool, fn func(*Tx) error) (err error) {
	what := "update"
	if readOnly {
		what = "view"
	}
	defer s.note(what, time.Now(), &err)
	c := &call{}
	for {
		err := s.attempt(readOnly, c, fn)
		if errors.Is(err, errOldSchema) {
			if err := s.attempt(false, c, func(*Tx) error { return nil }); err != nil {
				return err
			}
			continue
		}
		if c.need == nil {
			s.finish(c, err)
			return err
		}
		if err := s.provide(c); err != nil {
			s.finish(c, err)
			return err
		}
	}
}

// attempt runs fn once. Where c.need is set afterwards, the run does not count.
func (s *Store) attempt(readOnly bool, c *call, fn func(*Tx) error) error {
	if !readOnly {
		if err := s.createDir(); err != nil {
			return s.unusable(err)
		}
	}
	if err := s.secure(); err != nil {
		return err
	}
	c.need, c.taken, c.doomed = nil, false, nil
	lock, unlock := s.file.Lock, s.file.Unlock
	if readOnly {
		s.readers <- struct{}{}
		defer func() { <-s.readers }()
		lock, unlock = s.file.RLock, s.file.RUnlock
	}
	err := func() error {
		lock()
		defer unlock() // fn may panic
		return s.transact(readOnly, c, fn)
	}()
	return s.mend(err)
}

// MakeDir makes the data directory where there is none, so that it can be watched
// before the first change. Errors: as View.
func (s *Store) MakeDir() error {
	if err := s.createDir(); err != nil {
		return s.unusable(err)
	}
	return nil
}

// createDir makes the data directory, readable by its owner only.
func (s *Store) createDir() error { return os.MkdirAll(s.dir, dirMode) }

func (s *Store) busy() error {
	return &protocol.Error{
		Code:    protocol.StoreBusy,
		Message: fmt.Sprintf("another program has held the store in %s for too long", s.dir),
		Hint:    "Try again. If it stays busy, close the other editors, or the program that has the file open.",
		Details: &protocol.ErrorDetails{File: s.path()},
	}
}

// unusable is the error for a store that the operating system does not let us
// read or write: permissions, a full disk.
func (s *Store) unusable(err error) error {
	return &protocol.Error{
		Code:    protocol.StoreDamaged,
		Message: fmt.Sprintf("the store in %s cannot be used: %v", s.dir, err),
		Hint:    "Check that the directory belongs to you, that it is writable, and that the disk is not full.",
		Details: &protocol.ErrorDetails{Cause: protocol.CauseUnusable, File: s.path(), Text: err.Error()},
		Err:     err,
	}
}
