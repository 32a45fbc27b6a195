//go:build !windows

package team

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

const (
	// nonBlock does not wait for whoever is at the other end of a named pipe, and
	// noFollow refuses a symbolic link.
	nonBlock = syscall.O_NONBLOCK
	noFollow = syscall.O_NOFOLLOW
)

// PolicyPath returns where the machine's policy is.
func PolicyPath() string {
	if runtime.GOOS == "darwin" {
		return "/Library/Application Support/CodeStream/gitlab.json"
	}
	return "/etc/codestream/gitlab.json"
}

// administered says what lets somebody other than root write a file, or "". Whoever
// can write to its folder can put another in its place.
func administered(file *os.File) string {
	info, err := file.Stat()
	if err != nil {
		return err.Error()
	}
	folder, err := os.Lstat(filepath.Dir(file.Name()))
	if err != nil {
		return err.Error()
	}
	if problem := onlyRootWrites(info); problem != "" {
		return "the file " + problem
	}
	if problem := onlyRootWrites(folder); problem != "" {
		return "its folder " + problem
	}
	return ""
}

func onlyRootWrites(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || stat.Uid != 0:
		return "does not belong to root"
	case info.Mode()&fs.ModeSymlink != 0:
		return "is a symbolic link"
	case info.Mode().Perm()&0o022 != 0:
		return "can be written by others than root"
	}
	return ""
}
