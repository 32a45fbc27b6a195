package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// What a command exits with.
const (
	exitFine        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitSignIn      = 3
	exitUnreachable = 4
	exitCancelled   = 130
)

// exits are the statuses with their meaning, for whoever writes scripts.
var exits = []struct {
	status  int
	meaning string
	codes   []protocol.Code
}{
	{exitFine, "done", nil},
	{exitFailed, "GitLab or the agent refused; the message says why", nil},
	{exitUsage, "the command line makes no sense", []protocol.Code{protocol.InvalidParams}},
	{exitSignIn, "nobody is signed in, or the sign-in did not come about", []protocol.Code{
		protocol.NotConfigured, protocol.SignInRequired, protocol.SignInDenied, protocol.SignInTimeout, protocol.InvalidToken,
	}},
	{exitUnreachable, "GitLab cannot be reached, or asks to wait", []protocol.Code{
		protocol.HostUnreachable, protocol.CertificateUntrusted, protocol.NotGitLab, protocol.RateLimited,
	}},
	{exitCancelled, "cancelled", []protocol.Code{protocol.RequestCancelled}},
}

func exitStatus(err error) int {
	var usage usageError
	switch {
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitCancelled
	}
	for _, exit := range exits {
		for _, code := range exit.codes {
			if errors.Is(err, code) {
				return exit.status
			}
		}
	}
	return exitFailed
}

func exitTable() string {
	var table strings.Builder
	table.WriteString("Exit status:")
	for _, exit := range exits {
		fmt.Fprintf(&table, "\n  %3d  %s", exit.status, exit.meaning)
	}
	return table.String()
}
