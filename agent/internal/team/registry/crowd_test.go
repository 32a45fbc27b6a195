//go:build cluster

package registry

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestCrowd lets a thousand members wait for the first instance of a team and watch it
// then, and prints how long it takes until the last of them has seen it, and a change,
// and how much memory the server had.
func TestCrowd(t *testing.T) {
	const members = 1000
	server := startServer(t, natstest.Options{})
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := natstest.WriteCredentials(path, natstest.Member, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	maintainer := join(t, server.URL, natstest.Maintainer, natstest.TeamKey)
	maintainer.awaitCause("bucket")
	alone := memory(t, server)

	began := time.Now()
	crowd := make([]*member, members)
	for i := range crowd {
		crowd[i] = meet(t, protocol.Team{Registry: server.URL, CredentialsFile: path}, nil)
		crowd[i].pace = usualPace // else there would be thousands of checks a second
		crowd[i].run()
	}
	for _, m := range crowd {
		m.awaitCause("bucket")
	}
	t.Logf("%d members have connected and wait after %v", members, time.Since(began).Round(time.Millisecond))

	var revision uint64
	for _, name := range []string{"first", "second"} {
		took := make([]time.Duration, members)
		var seen sync.WaitGroup
		began = time.Now()
		for i, m := range crowd {
			seen.Go(func() {
				m.awaitNamed(name)
				took[i] = time.Since(began)
			})
		}
		revision = maintainer.publish(entry(name), revision)
		seen.Wait()
		slices.Sort(took)
		t.Logf("the %s was seen by half after %v, and by all %d after %v", name, took[members/2].Round(time.Millisecond), members, took[members-1].Round(time.Millisecond))
	}
	t.Logf("memory of the server at most: %s with nobody, %s with all", alone, memory(t, server))
}

// memory returns the most that the server ever had resident, as Linux tells it.
func memory(t *testing.T, s *natstest.Server) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		return "unknown: " + err.Error()
	}
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	return string(bytes.TrimSpace(line))
}
