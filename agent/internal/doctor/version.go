package doctor

import (
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/providers"
)

// lacks are what older versions have not, and what that means.
var lacks = []struct {
	feature providers.Feature
	means   string
}{
	{providers.PKCE, "it ignores PKCE"},
	{providers.LoopbackPort, "it compares the port of a redirect URI, so register one with a fixed port, and configure that"},
	{providers.ExpiringTokens, "its access tokens do not expire"},
	{providers.TokenRevokesItself, "it lets no personal access token revoke itself"},
	{providers.TokenSelf, "it does not tell the scopes and the end of a personal access token"},
	{providers.DeviceGrant, "it has no device sign-in"},
}

// describeVersion says what a version lacks, as the provider knows it.
func (p *patient) describeVersion(version string) finding {
	if p.Provider.Lacks(version, providers.Supported) {
		return warn("Ask the administrator to update GitLab.", "GitLab %s is older than %s, the oldest version that this program is made for", version, p.Provider.Since(providers.Supported))
	}
	if problem, cure := auth.UnguardedCode(p.Provider, p.Instance, version); problem != "" {
		return warn(cure, "%s", problem)
	}
	var missing []string
	for _, lack := range lacks {
		if p.Provider.Lacks(version, lack.feature) {
			missing = append(missing, lack.means+" (before "+p.Provider.Since(lack.feature)+")")
		}
	}
	if missing == nil {
		return pass("GitLab %s", version)
	}
	return pass("GitLab %s: %s", version, strings.Join(missing, "; "))
}
