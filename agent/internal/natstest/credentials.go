package natstest

import (
	"fmt"
	"os"
)

// A Role says what a user of the registry may do.
type Role string

// The roles of the documented configuration.
const (
	Maintainer Role = "maintainer"
	Member     Role = "member"
)

// TeamKey is a team's key; OtherTeamKey is another's.
const (
	TeamKey      = "bmF0c3Rlc3Qtc2VjcmV0LXRlYW0ta2V5LTMyLWJ5dGU=" // base64 of 32 bytes
	OtherTeamKey = "bmF0c3Rlc3Qtc2VjcmV0LW90aGVyLTMyLWJ5dGVzISE="
)

// WriteCredentials writes a credentials file, without a team key where that is empty.
func WriteCredentials(path string, role Role, teamKey string) error {
	password := MemberPassword
	if role == Maintainer {
		password = MaintainerPassword
	}
	return os.WriteFile(path, fmt.Appendf(nil, `{"user": %q, "password": %q, "teamKey": %q}`, role, password, teamKey), 0o600)
}
