package registry

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestARefusalSaysWhatHasToBeMended holds the causes by which an editor tells the
// registry's refusals from GitLab's.
func TestARefusalSaysWhatHasToBeMended(t *testing.T) {
	r, err := New(Config{Settings: Settings{Team: protocol.Team{Registry: "tls://registry.example.com:4222"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err   error
		code  protocol.Code
		cause string
	}{
		{nats.ErrPermissionViolation, protocol.Forbidden, protocol.CauseRegistry},
		{jetstream.ErrKeyExists, protocol.Conflict, protocol.CauseChanged},
		{errNoTeamKey, protocol.InvalidParams, protocol.CauseTeamKey},
		{badCredentials("registry.json", "it is empty"), protocol.InvalidParams, protocol.CauseCredentials},
		{nats.ErrNoServers, protocol.RegistryUnavailable, "refused"},
	} {
		var told *protocol.Error
		if err := r.writeError("https://gitlab.example.com", c.err); !errors.As(err, &told) || told.Code != c.code || told.Hint == "" || told.Details == nil || told.Details.Cause != c.cause {
			t.Errorf("%v is told as %v, want %s with the cause %s and a hint", c.err, err, c.code, c.cause)
		}
	}
}
