package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	fileName = "agent.db"

	// schema is the version of the layout. It changes when an older agent could
	// no longer read what a newer one writes.
	schema = 1

	// lockTimeout bounds the wait for another process's transaction, which takes
	// milliseconds where nothing is wrong.
	lockTimeout = 3 * time.Second
)

// ErrNotFound says that there is no such record. Callers decide what its absence
// means to the user.
var ErrNotFound = errors.New("store: no such record")

// Store is a user's data directory. Its methods may be called from many
// goroutines, and from many processes that have the same directory.
type Store struct {
	// Log is told at the level debug of what was slow or failed; nil for nobody. It
	// is set before the first transaction.
	Log *slog.Logger

	dir  string
	keys keyFile

	// file is held for reading by View and for writing by Update: bbolt polls its
	// file lock every 50 ms, which goroutines of one process need not suffer.
	file sync.RWMutex

	accounts accountLocks
}

// New returns the store in the directory dir. Nothing is read or created before
// the first transaction.
func New(dir string) *Store {
	return &Store{dir: dir, keys: keyFile{path: filepath.Join(dir, "key")}}
}

// Dir returns the data directory.
func (s *Store) Dir() string { return s.dir }

func (s *Store) path() string { return filepath.Join(s.dir, fileName) }

// View runs fn with a consistent view of the store. A store that does not exist
// yet is empty.
//
// Errors: StoreBusy where another process holds the file for too long,
// StoreDamaged where it cannot be read.
func (s *Store) View(fn func(*Tx) error) (err error) {
	defer s.note("view", time.Now(), &err)
	s.file.RLock()
	err = s.transact(true, fn)
	s.file.RUnlock()
	return s.mend(err)
}

// Update runs fn with a transaction that is on disk when Update returns without
// an error, and has left no trace when it returns one. The directory and the
// file are created where they do not exist.
//
// Errors: as View.
func (s *Store) Update(fn func(*Tx) error) (err error) {
	defer s.note("update", time.Now(), &err)
	if err := s.createDir(); err != nil {
		return s.unusable(err)
	}
	s.file.Lock()
	err = s.transact(false, fn)
	s.file.Unlock()
	return s.mend(err)
}

// createDir makes the data directory, readable by its owner only.
func (s *Store) createDir() error { return os.MkdirAll(s.dir, 0o700) }

func (s *Store) transact(readOnly bool, fn func(*Tx) error) (err error) {
	var file *os.File
	var info os.FileInfo // which file it is
	// bbolt panics on some damaged pages, and a truncated file faults where it is
	// mapped into memory.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged(info, fmt.Errorf("%v", p))
		}
		if errors.Is(err, errDamaged) && file != nil {
			file.Close() // and with it bbolt's lock, which a panic has left
		}
	}()
	db, err := bolt.Open(s.path(), 0o600, &bolt.Options{
		ReadOnly: readOnly, Timeout: lockTimeout, NoStatistics: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
			if file, err = os.OpenFile(name, flag, mode); err == nil {
				info, err = file.Stat()
			}
			return file, err
		},
	})
	var system syscall.Errno
	switch {
	case readOnly && s.isEmpty(err):
		return fn(&Tx{store: s})
	case errors.Is(err, bolterrors.ErrTimeout):
		return s.busy()
	case errors.As(err, &system):
		return s.unusable(err)
	case err != nil: // the file is there, and is not bbolt's
		return damaged(info, err)
	}
	defer func() {
		if closeErr := db.Close(); err == nil && closeErr != nil {
			err = s.unusable(closeErr)
		}
	}()
	run := db.Update
	if readOnly {
		run = db.View
	}
	var fnErr error
	err = run(func(btx *bolt.Tx) error {
		if fnErr = checkSchema(btx, readOnly, s.path()); fnErr == nil {
			fnErr = fn(&Tx{store: s, bolt: btx})
		}
		return fnErr
	})
	switch {
	case errors.Is(err, errDamaged):
		return damaged(info, err)
	case err != nil && fnErr == nil: // the commit failed
		return s.unusable(err)
	}
	return err
}

// isEmpty reports whether a file that could not be opened for reading is one
// that nobody has written yet.
func (s *Store) isEmpty(openErr error) bool {
	if openErr == nil || errors.Is(openErr, os.ErrNotExist) {
		return openErr != nil
	}
	info, err := os.Stat(s.path())
	return errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0
}

func checkSchema(btx *bolt.Tx, readOnly bool, path string) error {
	meta := btx.Bucket(bucketMeta)
	if meta == nil {
		if readOnly {
			return nil
		}
		created, err := btx.CreateBucket(bucketMeta)
		if err != nil {
			return err
		}
		return created.Put(keySchema, binary.BigEndian.AppendUint32(nil, schema))
	}
	value := meta.Get(keySchema)
	if len(value) != 4 {
		return fmt.Errorf("%w: no schema version", errDamaged)
	}
	if found := binary.BigEndian.Uint32(value); found > schema {
		return &protocol.Error{
			Code:    protocol.StoreDamaged,
			Message: fmt.Sprintf("the store was written by a newer codestream-agent (schema %d, this one knows %d)", found, schema),
			Hint:    "Update the editor extension, and restart the editor.",
			Details: &protocol.ErrorDetails{File: path},
		}
	}
	return nil
}

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
		Details: &protocol.ErrorDetails{File: s.path(), Text: err.Error()},
		Err:     err,
	}
}
