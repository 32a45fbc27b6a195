package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600

	locksDir = "locks"
)

// secure sees to it, before the first transaction, that nobody but the user can
// read the data directory and its files, and that they are what they seem. Modes
// that are too wide are mended, and told to the log; what cannot be mended is
// refused, since secrets would lie open.
func (s *Store) secure() error {
	if s.secured.Load() {
		return nil
	}
	dir, err := filepath.EvalSymlinks(s.dir) // that it is a link is the user's choice
	if err != nil {
		return nil // whoever opens the file finds out
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil // likewise
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return s.known(err)
	}
	if err := s.secureDir(info, entries); err != nil {
		return err
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == dir:
			return nil
		case filepath.Dir(path) == dir && !isOurs(entry.Name()):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // another process has just removed it
			return nil
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			return s.unsafe(path, "is a symbolic link")
		case info.IsDir():
			return s.mendMode(path, info, dirMode)
		}
		return s.mendMode(path, info, fileMode)
	})
	if err != nil {
		return s.known(err)
	}
	s.secured.Store(true)
	return nil
}

// secureDir looks at the data directory itself. One that others write to, or that
// has a life besides the store, is not shut: that might lock somebody out.
func (s *Store) secureDir(info fs.FileInfo, entries []fs.DirEntry) error {
	if !hasModes {
		return nil
	}
	if info.Mode()&fs.ModeSticky != 0 || info.Mode().Perm()&0o002 != 0 {
		return s.unsafe(s.dir, "is a directory to which everybody may write")
	}
	if info.Mode().Perm()&0o077 != 0 && len(entries) > 0 {
		if _, err := os.Lstat(s.path()); errors.Is(err, fs.ErrNotExist) {
			return s.unsafe(s.dir, "has other files in it, and other users may read it")
		}
	}
	return s.mendMode(s.dir, info, dirMode)
}

// isOurs reports whether the store has files of that name.
func isOurs(name string) bool {
	return name == locksDir || name == legacyKeyFile || strings.HasPrefix(name, keyFilePrefix) || strings.HasPrefix(name, fileName)
}

// mendMode takes from a file of the user's what others may do with it. What the
// user may not do stays so: whoever has made a file read-only meant it.
func (s *Store) mendMode(path string, info fs.FileInfo, mode fs.FileMode) error {
	if !hasModes {
		return nil
	}
	if !isOwn(info) {
		return s.unsafe(path, "belongs to another user")
	}
	mode &= info.Mode().Perm()
	if info.Mode().Perm() == mode {
		return nil
	}
	if err := os.Chmod(path, mode); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return s.unsafe(path, "can be read by other users, and that cannot be changed")
	}
	s.Log.Warn("the access to a file was narrowed", "file", path, "was", info.Mode().Perm(), "is", mode)
	return nil
}

// unsafe is the error for a file that is not safe to use.
func (s *Store) unsafe(path, problem string) error {
	return &protocol.Error{
		Code:    protocol.StoreDamaged,
		Message: "the store in " + s.dir + " is not safe to use: " + path + " " + problem,
		Hint:    "Use a data directory of your own: set dataDir or CODESTREAM_DATA_DIR to one that nobody else can write to, or remove what is in the way.",
		Details: &protocol.ErrorDetails{Cause: protocol.CauseUnsafe, File: path, Text: problem},
	}
}

// known leaves errors that are for the user as they are.
func (s *Store) known(err error) error {
	var known *protocol.Error
	if errors.As(err, &known) {
		return err
	}
	return s.unusable(err)
}
