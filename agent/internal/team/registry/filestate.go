package registry

import (
	"io/fs"
	"os"
)

// fileState tells a file from a newer one.
type fileState struct {
	info fs.FileInfo // nil: there is none
}

func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info}
}

// is reports whether the file is the same. What was put in its place can be as long and,
// by the clock of the file system, as old. Its mode may have kept it from being used.
func (s fileState) is(other fileState) bool {
	if s.info == nil || other.info == nil {
		return s.info == other.info
	}
	return os.SameFile(s.info, other.info) && s.info.ModTime().Equal(other.info.ModTime()) &&
		s.info.Size() == other.info.Size() && s.info.Mode() == other.info.Mode()
}

// A fileWatch looks whether a file is another than the one that was read.
type fileWatch struct {
	path string
	read fileState
	last fileState // at the look before
}

// watchFile looks after a file that had a state when it was read.
func watchFile(path string, read fileState) fileWatch { return fileWatch{path, read, read} }

// renewed reports whether the file is another, and was so at the look before: of one that
// is being written half might be read, and the user warned of it.
func (f *fileWatch) renewed() bool {
	now := stateOf(f.path)
	rests := now.is(f.last)
	f.last = now
	return rests && !now.is(f.read)
}
