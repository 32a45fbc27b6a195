//go:build !windows

package providers

import (
	"errors"
	"syscall"
)

// isRefused reports whether a connection was refused.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
