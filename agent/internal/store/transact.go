package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// transact runs fn in one transaction of bbolt, with the schema that it expects.
func (s *Store) transact(readOnly bool, c *call, fn func(*Tx) error) error {
	if !readOnly {
		if err := s.inspectFirst(); err != nil {
			return err
		}
	}
	var doomed map[keyID]Place
	err := s.open(readOnly, func(btx *bolt.Tx) error {
		tx := &Tx{store: s, bolt: btx, call: c}
		if btx != nil {
			if err := checkSchema(btx, readOnly, s.path()); err != nil {
				return err
			}
		}
		err := fn(tx)
		if c.need != nil {
			return errNeedKey
		}
		if err == nil && !readOnly {
			doomed, err = tx.retireKeys()
		}
		return err
	})
	if err == nil {
		c.doomed = doomed
	}
	return err
}

// open opens the file and runs fn in a transaction; for reading, without one
// where nobody has written the file yet.
func (s *Store) open(readOnly bool, fn func(*bolt.Tx) error) (err error) {
	var file *os.File
	var info os.FileInfo // which file it is
	// bbolt panics on some damaged pages, and a truncated file faults where it is
	// mapped into memory.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			if !s.isOfDamage(info) {
				panic(p) // a fault of ours, or of whoever called
			}
			err = damaged(info, fmt.Errorf("%v", p))
		}
		if errors.Is(err, errDamaged) && file != nil {
			file.Close() // and with it bbolt's lock, which a panic has left
		}
	}()
	open, err := s.passOrShutGate(readOnly)
	if err != nil {
		return err
	}
	defer open() // as below, where bbolt has panicked
	db, err := bolt.Open(s.path(), fileMode, &bolt.Options{
		ReadOnly: readOnly, Timeout: lockTimeout, NoStatistics: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
			if file, err = s.openFile(name, flag, mode); err == nil {
				info, err = file.Stat()
			}
			return file, err
		},
	})
	open()
	var system syscall.Errno
	var known *protocol.Error
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return s.busy()
	case readOnly && s.isEmpty(err, info):
		return fn(nil)
	case errors.Is(err, errDamaged), errors.As(err, &known):
		return err
	case errors.As(err, &system): // and not the file's fault
		return s.unusable(err)
	case err != nil: // the file is there, and is not bbolt's
		return damaged(info, err)
	}
	if now, err := os.Lstat(s.path()); !readOnly && (err != nil || !os.SameFile(now, info)) {
		// While we waited, another process has put the file aside as damaged: what is
		// written there would be lost.
		return errors.Join(db.Close(), s.open(readOnly, fn))
	}
	defer func() {
		if err == nil && !readOnly {
			s.noteSound(file) // by our own hand, and nobody else can have written
		}
		if closeErr := db.Close(); err == nil && closeErr != nil {
			err = s.unusable(closeErr)
		}
	}()
	if readOnly && !s.isSound(info) {
		if err := s.inspect(file); errors.As(err, &system) {
			return s.unusable(err)
		} else if err != nil {
			return damaged(info, err)
		}
	}
	run := db.Update
	if readOnly {
		run = db.View
	}
	var fnErr error
	err = run(func(btx *bolt.Tx) error {
		fnErr = fn(btx)
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

// openFile opens the store's file, and nothing else that may lie in its place: a
// link would lead elsewhere, and a named pipe never answers.
func (s *Store) openFile(name string, flag int, mode os.FileMode) (*os.File, error) {
	info, err := os.Lstat(name)
	if err == nil && info.Mode()&os.ModeSymlink != 0 {
		return nil, s.unsafe(name, "is a symbolic link")
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, damaged(info, fmt.Errorf("it is no regular file (%v)", info.Mode()))
	}
	return os.OpenFile(name, flag|noFollow, mode)
}

// isEmpty reports whether a file that could not be opened for reading is one
// that nobody has written yet, or had when it was opened: a writer may have filled
// it since, and bbolt has then tried to do so too. opened is nil where it was not.
func (s *Store) isEmpty(openErr error, opened os.FileInfo) bool {
	if openErr == nil || errors.Is(openErr, os.ErrNotExist) {
		return openErr != nil
	}
	if opened != nil && opened.Size() == 0 {
		return true
	}
	info, err := os.Lstat(s.path())
	return errors.Is(err, os.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// isSound reports whether the file is as it was when it was last found whole.
func (s *Store) isSound(now os.FileInfo) bool {
	last := s.sound.Load()
	return last != nil && os.SameFile(now, *last) && now.Size() == (*last).Size() && now.ModTime().Equal((*last).ModTime())
}

// inspectFirst opens a file that others have changed for reading, before it is
// opened for writing: then bbolt reads the list of free pages at once.
func (s *Store) inspectFirst() error {
	info, err := os.Lstat(s.path())
	if err != nil || info.Size() == 0 || s.isSound(info) {
		return nil // what is wrong with it is found when it is opened
	}
	return s.open(true, func(*bolt.Tx) error { return nil })
}

// inspect looks whether the pages of a file that is open for reading, and so
// changed by nobody, hang together.
func (s *Store) inspect(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := checkPages(file, info.Size()); err != nil {
		return err
	}
	s.sound.Store(&info)
	return nil
}

func (s *Store) noteSound(file *os.File) {
	if info, err := file.Stat(); err == nil {
		s.sound.Store(&info)
	}
}
