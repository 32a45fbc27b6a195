package team

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

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

// errNoFile, errNoFolder and errTooLarge say why a file of instances is not read
// or written.
var (
	errNoFile   = errors.New("it is not a regular file")
	errNoFolder = fmt.Errorf("%s is not a folder of its own", path.Dir(protocol.WorkspaceFile))
	errTooLarge = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
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

// writeWithin replaces the file of a folder as a whole: a reader sees the old one or
// the new one. A repository can have links in it, be it to elsewhere in the folder,
// such as to .git: so nothing is written through one.
func writeWithin(folder string, text []byte) (err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	dir := path.Dir(protocol.WorkspaceFile)
	if err := root.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := root.Lstat(dir); err != nil || !info.IsDir() {
		return errors.Join(err, errNoFolder)
	}
	temporary := protocol.WorkspaceFile + "." + rand.Text()
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = root.Rename(temporary, protocol.WorkspaceFile)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return nil
}

func filePath(folder string) string {
	return filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile))
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

func unwritable(path string, err error) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf("%s cannot be written: %v", path, cause(err)),
		Hint:    "Make the folder writable, with no link in place of .codestream, or write the file by hand.",
		Details: &protocol.ErrorDetails{Cause: protocol.CauseFile, File: path, Text: cause(err).Error()},
		Err:     err,
	}
}
