package team

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"sync"

	"github.com/teamcodestream/codestream-agent/protocol"
)

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

// newDraft writes a draft of the text for a folder's file that has another now.
func newDraft(folder string, before, text []byte) (*Draft, error) {
	d, err := inTime(writePatience, func() (*Draft, error) {
		root, err := os.OpenRoot(folder)
		if err != nil {
			return nil, err
		}
		d := &Draft{folder: folder, root: root, before: before, beside: protocol.WorkspaceFile + "." + rand.Text()}
		if err := d.write(text); err != nil {
			return nil, errors.Join(err, d.remove())
		}
		return d, nil
	}, func(d *Draft) { _ = d.remove() })
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
	err := doInTime(d.put)
	if errors.Is(err, errLate) {
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
		return errLate
	}
	if err := d.root.Rename(d.beside, protocol.WorkspaceFile); err != nil {
		return unwritable(name, err)
	}
	return nil
}

// Discard removes the draft, unless it was put. Nobody waits for that where the folder
// hangs.
func (d *Draft) Discard() { _ = doInTime(d.remove) }

func (d *Draft) remove() error {
	_ = d.root.Remove(d.beside) // it is not there after Put
	dir := path.Dir(protocol.WorkspaceFile)
	if info, err := d.root.Lstat(dir); err == nil && info.IsDir() { // and neither a file nor a link, which are somebody's
		_ = d.root.Remove(dir) // it is not empty, unless it was made for the draft
	}
	return d.root.Close()
}
