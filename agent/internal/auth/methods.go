package auth

import (
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Methods lists the ways to sign in that can work on an instance, as far as is
// known, the best first.
func Methods(in store.Instance) []protocol.AuthMethod {
	if in.ClientID == "" {
		return []protocol.AuthMethod{protocol.MethodToken}
	}
	methods := []protocol.AuthMethod{protocol.MethodBrowser}
	if !in.NoDeviceGrant {
		methods = append(methods, protocol.MethodDevice)
	}
	return append(methods, protocol.MethodToken)
}

// noApplication is the error for a sign-in by OAuth where no application is
// configured.
func noApplication(in store.Instance) error {
	return &protocol.Error{
		Code:     protocol.InvalidClient,
		Message:  "no application ID is configured for " + in.ID + ", and a sign-in at GitLab needs one",
		Hint:     `Sign in with the method "token" and a personal access token. Or ask the administrator for the application ID and the secret of an OAuth application (Admin > Applications), and configure the instance again.`,
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{Methods: Methods(in)},
	}
}
