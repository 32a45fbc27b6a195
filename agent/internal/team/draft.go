package team

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/work"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// writePatience is how long a person waits for a draft to be written, which may take a
// slow disk a while.
const writePatience = 10 * time.Second

// A Draft is the new text of a folder's file, on the disk beside it: all that can go
// wrong with the writing has gone wrong before. It is put or discarded.
//
// The file is replaced as a whole: a reader sees the old one or the new one. A
// repository can have links in it, be it to elsewhere in the folder, such as to .git:
// so nothing is written through one.
type Draft struct {
	folder string
	root   *os.Root
	before []byte // what was in the file, nil where there was none
	beside string // where the draft is

	mu   sync.Mutex // guards over
	over bool       // nobody waits for it any more
}

// Draft prepares to put an instance into the file of a folder, in place of the one
// that it has of that URL. Whatever else is in the file stays as it is, comments
// included. A file that could not be read afterwards is not written.
func (w *Workspace) Draft(folder string, in store.Instance) (*Draft, error) {
	name := filePath(folder)
	before, err := readInTime(folder)
	text := before
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("{\n  \"instances\": [\n  ]\n}\n"), nil
	}
	if err != nil {
		return nil, unreadable(name, err)
	}
	list, err := w.parse(folder, text)
	if err != nil {
		return nil, err
	}
	index := len(list)
	for i, other := range list {
		if other.ID == in.ID {
			index = i
		}
	}
	if text, err = withInstance(newSource(name, text), index, in); err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, unwritable(name, errTooLarge)
	}
	if _, err := w.parse(folder, text); err != nil {
		return nil, err
	}
	return newDraft(folder, before, text)
}

// readInTime reads the file of a folder, for a person who waits.
func readInTime(folder string) ([]byte, error) {
	var text []byte
	err := work.Within(patience, func() (err error) {
		text, err = readWithin(folder, protocol.WorkspaceFile)
		return err
	}, nil)
	if err != nil { // late, it may still be read
		return nil, err
	}
	return text, nil
}

// newDraft writes a draft of the text for a folder's file that has another now.
func newDraft(folder string, before, text []byte) (*Draft, error) {
	d := &Draft{folder: folder, before: before, beside: protocol.WorkspaceFile + "." + rand.Text()}
	err := work.Within(writePatience, func() (err error) {
		if d.root, err = os.OpenRoot(folder); err != nil {
			return err
		}
		if err = d.write(text); err != nil {
			return errors.Join(err, d.remove())
		}
		return nil
	}, func() { _ = d.remove() })
	if err != nil {
		return nil, unwritable(filePath(folder), err)
	}
	return d, nil
}

func (d *Draft) write(text []byte) error {
	dir := path.Dir(protocol.WorkspaceFile)
	if err := d.root.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := d.root.Lstat(dir); err != nil || !info.IsDir() {
		return errors.Join(err, errNoFolder)
	}
	file, err := d.root.OpenFile(d.beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// Put replaces the file by the draft, within a second. It returns Conflict where
// somebody has changed the file meanwhile, whose work is not overwritten. What it was
// late for is not done later, unless the system's own call hangs.
func (d *Draft) Put() error {
	err := work.Within(patience, d.put, nil)
	if errors.Is(err, work.ErrLate) {
		d.mu.Lock()
		d.over = true
		d.mu.Unlock()
		return unwritable(filePath(d.folder), err)
	}
	return err
}

func (d *Draft) put() error {
	name := filePath(d.folder)
	now, err := readWithin(d.folder, protocol.WorkspaceFile)
	if errors.Is(err, fs.ErrNotExist) {
		now, err = nil, nil
	}
	switch {
	case err != nil:
		return unreadable(name, err)
	case !bytes.Equal(now, d.before):
		return &protocol.Error{
			Code:    protocol.Conflict,
			Message: name + " was changed by somebody else just now",
			Hint:    "Configure the instance again.",
			Details: &protocol.ErrorDetails{Cause: protocol.CauseChanged, File: name},
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return work.ErrLate
	}
	if err := d.root.Rename(d.beside, protocol.WorkspaceFile); err != nil {
		return unwritable(name, err)
	}
	return nil
}

// Discard removes the draft, unless it was put. Nobody waits for that where the folder
// hangs.
func (d *Draft) Discard() { _ = work.Within(patience, d.remove, nil) }

func (d *Draft) remove() error {
	_ = d.root.Remove(d.beside) // it is not there after Put
	dir := path.Dir(protocol.WorkspaceFile)
	if info, err := d.root.Lstat(dir); err == nil && info.IsDir() { // and neither a file nor a link, which are somebody's
		_ = d.root.Remove(dir) // it is not empty, unless it was made for the draft
	}
	return d.root.Close()
}
