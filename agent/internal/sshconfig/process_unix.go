//go:build !windows

package sshconfig

import (
	"os/exec"
	"syscall"
)

// asGroup has ssh and what a "Match exec" starts end together: they are a process
// group of their own, which is killed as a whole.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
