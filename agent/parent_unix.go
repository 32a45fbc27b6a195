//go:build !windows

package agent

import (
	"errors"
	"os"
	"syscall"
)

// parentGone returns a function that reports whether a process has ended. A
// parent is also gone when this process was given to another: the parent's
// number may still be there, of a process that nobody has waited for yet.
func parentGone(pid int) (gone func() bool, stop func()) {
	isParent := os.Getppid() == pid
	return func() bool {
		if isParent && os.Getppid() != pid {
			return true
		}
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}, func() {}
}
