package auth

import (
	"net/http"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// credential is a RoundTripper that sends one token: one that OAuth issued as
// RFC 6750 section 2.1 has it, a personal access token in the header that the host
// takes it in.
type credential struct {
	base   http.RoundTripper
	header string // of a personal access token; empty for one of OAuth's
	token  secret.Text
}

// credential returns a RoundTripper that sends a token of an account, which was
// signed in by that method.
func (m *Manager) credential(base http.RoundTripper, instance string, method protocol.AuthMethod, token secret.Text) credential {
	c := credential{base: base, token: token}
	if method == protocol.MethodToken {
		c.header = m.Provider.Endpoints(instance).PersonalTokenHeader
	}
	return c
}

// host returns the API of an instance as it is seen with a token, which goes nowhere
// else.
func (m *Manager) host(base http.RoundTripper, instance string, method protocol.AuthMethod, token secret.Text) providers.Host {
	client := providers.NewClient(m.credential(base, instance, method, token), m.Provider.Endpoints(instance).API)
	return m.Provider.Host(instance, client)
}

func (c credential) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if c.header != "" {
		req.Header.Set(c.header, c.token.Reveal())
	} else {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	return c.base.RoundTrip(req)
}
