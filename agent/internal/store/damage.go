package store

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// errDamaged marks a file that bbolt cannot make sense of.
var errDamaged = errors.New("damaged")

// mend puts a damaged file aside, so that the next transaction starts afresh,
// and says where. Other errors are returned as they are.
func (s *Store) mend(err error) error {
	if !errors.Is(err, errDamaged) {
		return err
	}
	s.file.Lock()
	defer s.file.Unlock()
	aside, moveErr := s.putAside()
	if moveErr != nil {
		return s.unusable(errors.Join(err, moveErr))
	}
	damage := &protocol.Error{
		Code:    protocol.StoreDamaged,
		Message: fmt.Sprintf("the store %s was damaged, and has been put aside as %s; a new one is in use", s.path(), aside),
		Hint:    "Configure the instance again and sign in. Keep the damaged copy if you want it examined.",
		Details: &protocol.ErrorDetails{File: aside, Text: err.Error()},
		Err:     err,
	}
	if aside == "" {
		damage.Message = fmt.Sprintf("the store %s was damaged, and another window has put it aside", s.path())
		damage.Details.File = s.path()
	}
	return damage
}

// putAside renames the damaged file. It returns "" where another process has
// done so first: the file that is there now is then a good one.
func (s *Store) putAside() (string, error) {
	lock := flock.New(s.path()+".mend", flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer lock.Unlock()
	err := s.transact(true, readAll)
	if !errors.Is(err, errDamaged) {
		return "", err
	}
	aside := s.path() + time.Now().UTC().Format(".damaged-20060102T150405.000")
	return aside, os.Rename(s.path(), aside)
}

// readAll reports whether every record can be read.
func readAll(tx *Tx) error {
	_, instances := tx.Instances()
	_, accounts := tx.Accounts()
	return errors.Join(instances, accounts)
}
