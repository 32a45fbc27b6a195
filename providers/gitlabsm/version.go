package gitlabsm

import (
	"golang.org/x/mod/semver"

	"github.com/teamcodestream/codestream-agent/providers"
)

// since has the first version of GitLab with each feature.
//
//   - Supported: the OAuth endpoints and API v4 are as this package expects them;
//     API v3 went with 11.0 (GitLab's doc/api/v3_to_v4.md).
//   - PKCE: the columns of Doorkeeper's table came with 13.8 (gitlab!49756).
//     Doorkeeper before 5.0, in GitLab before 12.8, ignores the parameters. From
//     there to 13.7 it ignores the challenge, but refuses a code that comes with a
//     verifier, as invalid_request (Doorkeeper 5.0, AuthorizationCodeRequest).
//   - LoopbackPort: Doorkeeper 5.1 (doorkeeper#1182); GitLab went from 5.0 to 5.4
//     the day before it tagged 13.8 (gitlab!51559), so 13.9 is the first that surely
//     has it. The same step made most OAuth errors 400, which were 401 before.
//   - ExpiringTokens: 14.3 made it an option of the application, 15.0 the rule
//     (https://docs.gitlab.com/update/deprecations/, "OAuth tokens without expiration").
//   - TokenSelf, TokenRevokesItself: https://docs.gitlab.com/api/personal_access_tokens/.
//   - DeviceGrant: 17.2 behind the flag oauth2_device_grant_flow, which 17.3 turned
//     on and 17.9 removed (https://docs.gitlab.com/api/oauth2/).
//
// /api/v4/version, which tells the version, has been there since 8.13; /metadata,
// which came with 15.2, tells nothing more that is needed here.
var since = map[providers.Feature]string{
	providers.Supported:          "11.0",
	providers.PKCE:               "13.8",
	providers.LoopbackPort:       "13.9",
	providers.ExpiringTokens:     "15.0",
	providers.TokenRevokesItself: "15.0",
	providers.TokenSelf:          "15.5",
	providers.DeviceGrant:        "17.2",
}

// Since returns the first version of GitLab with the feature.
func (Provider) Since(feature providers.Feature) string { return since[feature] }

// Lacks compares major and minor number: patches bring no features, and what
// follows the numbers, as in 17.11.0-pre and 13.12.15-ee, is about the build.
func (Provider) Lacks(version string, feature providers.Feature) bool {
	have := semver.MajorMinor("v" + version)
	return have != "" && semver.Compare(have, "v"+since[feature]) < 0
}
