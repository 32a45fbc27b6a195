//go:build cluster

package registry

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
)

// TestClusterLosesNothing kills one, then two of three servers while a maintainer
// publishes: what was acknowledged is there when they are back.
func TestClusterLosesNothing(t *testing.T) {
	t.Parallel()
	cluster, err := natstest.StartCluster(t.TempDir())
	t.Cleanup(func() { cluster.Kill() })
	if err != nil {
		t.Fatal(err)
	}
	maintainer := join(t, cluster.URL(), natstest.Maintainer, natstest.TeamKey)
	sam := join(t, cluster.URL(), natstest.Member, natstest.TeamKey)
	p := publisher{member: maintainer}
	p.publishUntil(3)
	sam.awaitNamed(p.acknowledged())

	kill(t, cluster[0])
	p.publishUntil(6)
	sam.awaitNamed(p.acknowledged())

	kill(t, cluster[1]) // there is no majority any more
	if p.tryPublish() {
		t.Error("one server of three has acknowledged a publication")
	}
	last := p.acknowledged()

	for _, s := range cluster[:2] {
		if err := s.Up(); err != nil {
			t.Fatal(err)
		}
	}
	fresh := join(t, cluster.URL(), natstest.Member, natstest.TeamKey)
	entry := fresh.await("what was acknowledged", func(entries []Entry) bool {
		return len(entries) == 1 && number(entries[0].Instance.Name) >= number(last)
	})[0]
	if entry.ClientSecret.Reveal() != testSecret {
		t.Error("the secret is not what was published")
	}
	p.revision = entry.Revision
	p.publishUntil(number(entry.Instance.Name) + 3)
	fresh.awaitNamed(p.acknowledged())
	sam.awaitNamed(p.acknowledged())
}

func kill(t *testing.T, s *natstest.Server) {
	t.Helper()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
}

// A publisher publishes an instance whose name is a number that grows.
type publisher struct {
	*member
	last     int // acknowledged
	revision uint64
}

func (p *publisher) acknowledged() string { return fmt.Sprint(p.last) }

// tryPublish reports whether the next number was acknowledged.
func (p *publisher) tryPublish() bool {
	ctx, cancel := context.WithTimeout(p.ctx, time.Second) // servers without a leader say nothing
	defer cancel()
	got, err := p.Publish(ctx, entry(fmt.Sprint(p.last+1)), p.revision)
	if err != nil {
		p.t.Logf("%d: %v", p.last+1, err)
		return false
	}
	p.last, p.revision = p.last+1, got
	return true
}

// publishUntil publishes until a number is acknowledged, as a person does who is
// told of an error: by what the bucket has by then.
func (p *publisher) publishUntil(n int) {
	p.t.Helper()
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for p.last < n {
		if p.tryPublish() {
			continue
		}
		select {
		case s := <-p.kept: // a write that was not acknowledged may be there
			if entries := s.Entries; len(entries) == 1 && number(entries[0].Instance.Name) > p.last {
				p.last, p.revision = number(entries[0].Instance.Name), entries[0].Revision
			}
		case <-retry.C:
		case <-p.ctx.Done():
			p.t.Fatalf("number %d was never acknowledged", n)
		}
	}
}

func number(name string) int {
	n, _ := strconv.Atoi(name)
	return n
}
