//go:build !windows

package providers_test

import (
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/teamcodestream/codestream-agent/providers"
)

func TestNoRoute(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN} {
		err := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", errno)}
		wantUnreachable(t, providers.TransportError(err, "https://x"), "https://x", "noRoute", "no network leads there")
	}
}
