package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
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
	if errors.Is(moveErr, context.DeadlineExceeded) {
		return s.busy()
	}
	if moveErr != nil {
		return s.unusable(errors.Join(err, moveErr))
	}
	e := &protocol.Error{
		Code:    protocol.StoreDamaged,
		Message: fmt.Sprintf("the store %s was damaged, and has been put aside as %s; a new one is in use", s.path(), aside),
		Hint:    "Configure the instance again and sign in. Keep the damaged copy if you want it examined.",
		Details: &protocol.ErrorDetails{Cause: protocol.CauseDamaged, File: aside, Text: err.Error()},
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

// isOfDamage reports whether the panic that is being recovered comes of a damaged
// file: it is bbolt's own, or the file that was opened no longer hangs together, as
// when it is cut off while it is mapped into memory.
func (s *Store) isOfDamage(opened os.FileInfo) bool {
	if strings.HasPrefix(panicking(), "go.etcd.io/bbolt") {
		return true
	}
	file, err := os.Open(s.path())
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	return err == nil && opened != nil && os.SameFile(info, opened) && checkPages(file, info.Size()) != nil
}

// panicking names the function that panics, for the deferred functions of those
// that called it.
func panicking() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	raised := false
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		isRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if raised && !isRuntime {
			return frame.Function
		}
		raised = raised || frame.Function == "runtime.gopanic"
	}
	return ""
}
