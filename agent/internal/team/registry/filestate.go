package registry

import (
	"io/fs"
	"os"
	"time"
)

// fileState tells a file from a newer one.
type fileState struct {
	modified time.Time
	size     int64
	mode     fs.FileMode // may have kept it from being used
}

// stateOf returns the state of a file, the zero state where there is none.
func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.ModTime(), info.Size(), info.Mode()}
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
	rests := now == f.last
	f.last = now
	return rests && now != f.read
}
