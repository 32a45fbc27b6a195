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
	Operator   Role = "operator" // where [Options] ask for one
)

func (r Role) password() string { return SecretPrefix + "-" + string(r) + "-password" }

// TeamKey is a team's key; OtherTeamKey is another's.
const (
	TeamKey      = "bmF0c3Rlc3Qtc2VjcmV0LXRlYW0ta2V5LTMyLWJ5dGU=" // base64 of 32 bytes
	OtherTeamKey = "bmF0c3Rlc3Qtc2VjcmV0LW90aGVyLTMyLWJ5dGVzISE="
)

// WriteCredentials writes a credentials file, without a team key where that is empty.
func WriteCredentials(path string, role Role, teamKey string) error {
	return WriteCredentialsFor(path, role, teamKey, "")
}

// WriteCredentialsFor writes a credentials file that says for which registry it is.
func WriteCredentialsFor(path string, role Role, teamKey, registry string) error {
	return replace(path, fmt.Appendf(nil, `{"registry": %q, "user": %q, "password": %q, "teamKey": %q}`,
		registry, role, role.password(), teamKey))
}

// replace writes a file of which nobody who looks meanwhile sees half.
func replace(path string, text []byte) error {
	written := path + ".new"
	if err := os.WriteFile(written, text, 0o600); err != nil {
		return err
	}
	return os.Rename(written, path)
}
