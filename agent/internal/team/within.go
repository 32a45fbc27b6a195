package team

import (
	"errors"
	"fmt"
	"io"
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

// These say why a file of instances is not read or written.
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

// filePath is the file of a folder as it is shown.
func filePath(folder string) string {
	return shown(filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile)))
}
