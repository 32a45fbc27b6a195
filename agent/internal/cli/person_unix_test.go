//go:build unix

package cli_test

import "syscall"

// ownTerminal gives a process the terminal at its stdin, so that Ctrl-C reaches it.
func ownTerminal() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true, Setctty: true} }
