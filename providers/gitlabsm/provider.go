package gitlabsm

import (
	"net/http"

	"github.com/teamcodestream/codestream-agent/providers"
)

// Provider is GitLab Self-Managed.
type Provider struct{}

var _ providers.Provider = Provider{}

// Name returns "gitlabSM".
func (Provider) Name() string { return "gitlabSM" }

// Endpoints returns GitLab's OAuth endpoints. They hang below the whole base URL,
// which may have a path of its own (https://docs.gitlab.com/api/oauth2/).
func (Provider) Endpoints(instance string) providers.Endpoints {
	return providers.Endpoints{
		Authorize: instance + "/oauth/authorize",
		Token:     instance + "/oauth/token",
		Revoke:    instance + "/oauth/revoke",
		Device:    instance + "/oauth/authorize_device",
		API:       instance + apiRoot,

		PersonalTokenHeader: "PRIVATE-TOKEN",
	}
}

// Host returns the instance's REST API.
func (Provider) Host(instance string, client *http.Client) providers.Host {
	return host{instance: instance, client: client}
}

// host is the REST API of an instance.
type host struct {
	instance string
	client   *http.Client
}
