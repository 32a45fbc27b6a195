package cli_test

import "syscall"

// ownTerminal is not called: there the scripts are skipped.
func ownTerminal() *syscall.SysProcAttr { return nil }
