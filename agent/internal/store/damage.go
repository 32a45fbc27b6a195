package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// errDamaged marks a file that bbolt cannot make sense of, or a record in it that
// we cannot.
var errDamaged = errors.New("damaged")

// damage says which file was found damaged, and how.
type damage struct {
	file  os.FileInfo // nil where not even that is known
	cause error
}

func (d *damage) Error() string { return d.cause.Error() }

func (d *damage) Unwrap() []error { return []error{errDamaged, d.cause} }

// damaged is the error for a file that was opened.
func damaged(file os.FileInfo, cause error) error { return &damage{file, cause} }

// mend puts a damaged file aside, so that the next transaction starts afresh,
// and says where. Other errors are returned as they are.
func (s *Store) mend(err error) error {
	if !errors.Is(err, errDamaged) {
		return err
	}
	s.file.Lock()
	defer s.file.Unlock()
	var found *damage
	errors.As(err, &found)
	aside, moveErr := s.putAside(found)
	if moveErr != nil {
		return s.unusable(errors.Join(err, moveErr))
	}
	e := &protocol.Error{
		Code:    protocol.StoreDamaged,
		Message: fmt.Sprintf("the store %s was damaged, and has been put aside as %s; a new one is in use", s.path(), aside),
		Hint:    "Configure the instance again and sign in. Keep the damaged copy if you want it examined.",
		Details: &protocol.ErrorDetails{File: aside, Text: err.Error()},
		Err:     err,
	}
	if aside == "" {
		e.Message = fmt.Sprintf("the store %s was damaged, and another window has put it aside", s.path())
		e.Details.File = s.path()
	}
	return e
}

// putAside renames the damaged file. It returns "" where another process has
// done so first: the file that is there now is then another.
func (s *Store) putAside(found *damage) (string, error) {
	lock := flock.New(s.path()+".mend", flock.SetPermissions(fileMode))
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return "", err
	}
	defer lock.Unlock()
	now, err := os.Lstat(s.path())
	if errors.Is(err, os.ErrNotExist) || err == nil && found != nil && found.file != nil && !os.SameFile(now, found.file) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	aside := s.path() + time.Now().UTC().Format(".damaged-20060102T150405.000")
	return aside, os.Rename(s.path(), aside)
}
