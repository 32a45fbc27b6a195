package team

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// readWithin reads a small file below a folder. A link that leads out of the
// folder, and whatever is no file, is refused.
func readWithin(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(name, os.O_RDONLY|nonBlock, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readSmall(file)
}

// writePatience is how long a person waits for a file to be written, which may take a
// slow disk a while.
const writePatience = 10 * time.Second

// inTime returns what f does, or errLate where that takes too long: f then ends
// whenever it does, and undo is told what it has done.
func inTime[T any](limit time.Duration, f func() (T, error), undo func(T)) (result T, err error) {
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := f()
		done <- outcome{result, err}
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case o := <-done:
		return o.result, o.err
	case <-late.C:
	}
	go func() {
		if o := <-done; o.err == nil {
			undo(o.result)
		}
	}()
	return result, errLate
}

// doInTime is inTime for what has no result, and takes a moment where nothing hangs.
func doInTime(f func() error) error {
	_, err := inTime(patience, func() (struct{}, error) { return struct{}{}, f() }, func(struct{}) {})
	return err
}

// readInTime reads the file of a folder.
func readInTime(folder string) (text []byte, err error) {
	return inTime(patience, func() ([]byte, error) { return readWithin(folder, protocol.WorkspaceFile) }, func([]byte) {})
}

// These say why a file of instances is not read or written.
var (
	errNoFile   = errors.New("it is not a regular file")
	errNoFolder = fmt.Errorf("%s is not a folder of its own", path.Dir(protocol.WorkspaceFile))
	errTooLarge = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
	errLate     = errors.New("it does not answer")
)

func readSmall(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(text) > maxFile {
		return nil, errTooLarge
	}
	return text, err
}

// filePath is the file of a folder as it is shown.
func filePath(folder string) string {
	return shown(filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile)))
}

// cause leaves out the path of an error, which the message has.
func cause(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

func unreadable(path string, err error) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("%s cannot be read: %v", path, cause(err)),
		Hint:    "It has to be a regular file below the folder, of at most 64 KiB, that you may read.",
		Details: &protocol.ErrorDetails{Cause: protocol.CauseFile, File: path, Text: cause(err).Error()},
		Err:     err,
	}
}

func unanswered(path string) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: path + " is not read: " + errLate.Error(),
		Hint:    "Look whether the disk or the machine that it is on is there. Until it answers, what was last read of it counts.",
		Details: &protocol.ErrorDetails{Cause: protocol.CauseFile, File: path},
	}
}

func unwritable(path string, err error) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("%s cannot be written: %v", path, cause(err)),
		Hint:    "Make the folder writable, with no link in place of .codestream, or write the file by hand.",
		Details: &protocol.ErrorDetails{Cause: protocol.CauseFile, File: path, Text: cause(err).Error()},
		Err:     err,
	}
}
