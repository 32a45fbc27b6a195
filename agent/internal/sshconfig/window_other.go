//go:build !windows

package sshconfig

import "os/exec"

// hideWindow does nothing: only Windows opens one.
func hideWindow(*exec.Cmd) {}
