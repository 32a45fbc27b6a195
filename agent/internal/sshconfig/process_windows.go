package sshconfig

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// asGroup keeps a console from flashing up. There are no process groups to kill:
// what a "Match exec" has started there ends by itself.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}
