//go:build !windows

package store

import (
	"io/fs"
	"os"
	"syscall"
)

const (
	// hasModes is whether the modes of files say who may read them.
	hasModes = true

	// noFollow refuses a symbolic link, and nonBlock does not wait for whoever is at
	// the other end of a named pipe.
	noFollow = syscall.O_NOFOLLOW
	nonBlock = syscall.O_NONBLOCK
)

// isOwn reports whether a file belongs to the user.
func isOwn(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
