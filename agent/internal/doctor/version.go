package doctor

import (
	"fmt"
	"strings"

	"github.com/teamcodestream/codestream-agent/providers"
)

// oldest is the first version of GitLab with which the product is meant to work:
// API v3 went with it.
var oldest = release{11, 0}

// release is the part of a version that brings features.
type release struct{ major, minor int }

func (r release) before(other release) bool {
	return r.major < other.major || r.major == other.major && r.minor < other.minor
}

// lacks are what older versions have not, and what that means. The numbers are
// GitLab's (https://docs.gitlab.com/api/oauth2/,
// https://docs.gitlab.com/api/personal_access_tokens/), and for the redirect's port
// those of the Doorkeeper gem that it ships.
var lacks = []struct {
	since release
	what  string
}{
	{release{13, 8}, "it ignores PKCE"},
	{release{13, 9}, "it compares the port of a redirect URI: register one with a fixed port, and configure that"},
	{release{15, 5}, "it does not tell the scopes and the end of a personal access token"},
	{release{17, 2}, "it has no device sign-in"},
}

func describeVersion(version string) finding {
	told := providers.Shorten(version, 40)
	var have release
	if n, _ := fmt.Sscanf(version, "%d.%d", &have.major, &have.minor); n < 2 {
		return pass("GitLab %s", told)
	}
	if have.before(oldest) {
		return warn("Ask the administrator to update GitLab.", "GitLab %s is older than %d.%d, the oldest version that this program is made for", told, oldest.major, oldest.minor)
	}
	var missing []string
	for _, lack := range lacks {
		if have.before(lack.since) {
			missing = append(missing, lack.what)
		}
	}
	if missing == nil {
		return pass("GitLab %s", told)
	}
	return pass("GitLab %s: %s", told, strings.Join(missing, "; "))
}
