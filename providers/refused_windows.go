package providers

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isRefused reports whether a connection was refused.
func isRefused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }
