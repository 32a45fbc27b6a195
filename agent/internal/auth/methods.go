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
