package team

import (
	"bytes"
	"crypto/rand"
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
// whenever it does.
func inTime[T any](limit time.Duration, f func() (T, error)) (result T, err error) {
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
		return result, errLate
	}
}

// These say why a file of instances is not read or written.
var (
	errNoFile   = errors.New("it is not a regular file")
	errNoFolder = fmt.Errorf("%s is not a folder of its own", path.Dir(protocol.WorkspaceFile))
	errTooLarge = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
	errLate     = errors.New("it does not answer")
	errChanged  = errors.New("somebody has changed it just now")
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

// writeBeside writes a file of a folder beside the one of before, and returns its name.
// A repository can have links in it, be it to elsewhere in the folder, such as to .git:
// so nothing is written through one.
func writeBeside(folder string, text []byte) (temporary string, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	dir := path.Dir(protocol.WorkspaceFile)
	if err := root.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if info, err := root.Lstat(dir); err != nil || !info.IsDir() {
		return "", errors.Join(err, errNoFolder)
	}
	temporary = protocol.WorkspaceFile + "." + rand.Text()
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", errors.Join(err, root.Remove(temporary))
	}
	return temporary, nil
}

// replaceWithin puts a file that was written beside it in the place of the folder's,
// where that still has the text of before, or still is not there for none.
func replaceWithin(folder, temporary string, before []byte) error {
	now, err := readWithin(folder, protocol.WorkspaceFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && before == nil:
	case err != nil:
		return err
	case before == nil || !bytes.Equal(now, before):
		return errChanged
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Rename(temporary, protocol.WorkspaceFile)
}

// removeBeside removes a file that was written beside the folder's, and what was made
// for it.
func removeBeside(folder, temporary string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	err = root.Remove(temporary)
	_ = root.Remove(path.Dir(temporary)) // where there is nothing else in it
	return err
}

// shownFile is the file of a folder as it is shown.
func shownFile(folder string) string {
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
		Details: &protocol.ErrorDetails{File: path},
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
