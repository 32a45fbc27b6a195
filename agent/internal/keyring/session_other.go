//go:build !(linux || freebsd || netbsd || openbsd || dragonfly)

package keyring

import (
	"errors"

	library "github.com/zalando/go-keyring"
)

// findSession has nothing to find: the keyring comes with the operating system.
func findSession() error { return nil }

// endSession has nothing to end.
func endSession() {}

// knownCause puts the common failures in words.
func knownCause(err error) string {
	if errors.Is(err, library.ErrUnsupportedPlatform) {
		return "there is no keyring on this system"
	}
	return ""
}
