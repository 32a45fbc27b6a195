//go:build cluster

package registry_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// patience bounds the test: what takes longer has gone wrong.
const patience = 2 * time.Minute

// TestClusterLosesNothing kills one, then two of three servers while a maintainer
// publishes, an instance at a time. Each that was acknowledged is there when they are
// back. While there is no majority, a member still has what was seen before.
func TestClusterLosesNothing(t *testing.T) {
	t.Parallel()
	cluster, err := natstest.StartCluster(t.TempDir(), natstest.Options{})
	t.Cleanup(func() { cluster.Kill() })
	if err != nil {
		t.Fatal(err)
	}
	p := publisher{member: join(t, cluster.URL(), natstest.Maintainer)}
	sam := join(t, cluster.URL(), natstest.Member)
	p.publish(3)
	sam.awaitAll(p.acknowledged)

	kill(t, cluster[0])
	p.publish(3)
	sam.awaitAll(p.acknowledged)

	kill(t, cluster[1]) // there is no majority any more
	for range 3 {
		if p.tryPublish() {
			t.Error("one server of three has acknowledged a publication")
		}
	}
	t.Logf("without a majority the member's connection is %+v", sam.State()) // by whether its server is the one that is left
	sam.hasAll("in another window that asks nobody", sam.directory(store.New(sam.dir, store.Options{})), p.acknowledged)

	for _, s := range cluster[:2] {
		if err := s.Up(); err != nil {
			t.Fatal(err)
		}
	}
	sam.awaitAll(p.acknowledged)
	p.publish(3)
	sam.awaitAll(p.acknowledged)
	fresh := join(t, cluster.URL(), natstest.Member)
	fresh.awaitAll(p.acknowledged)
	t.Logf("all of %d acknowledged publications of %d are there", len(p.acknowledged), p.tried)
}

func kill(t *testing.T, s *natstest.Server) {
	t.Helper()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
}

// A publisher publishes instances, each of them once: whether one that was not
// acknowledged is there does not matter.
type publisher struct {
	*member
	tried        int
	acknowledged []string
}

// tryPublish reports whether the next instance was acknowledged.
func (p *publisher) tryPublish() bool {
	ctx, cancel := context.WithTimeout(p.ctx, time.Second) // servers without a leader say nothing
	defer cancel()
	p.tried++
	id := fmt.Sprintf("https://gitlab-%d.example.com", p.tried)
	_, err := p.Publish(ctx, registry.Entry{
		ID: id, Instance: protocol.SharedInstance{URL: id, ClientID: "id"}, Confidential: true, ClientSecret: secretOf(id),
	}, registry.Version{})
	if err != nil {
		p.t.Logf("%s: %v", id, err)
		return false
	}
	p.acknowledged = append(p.acknowledged, id)
	return true
}

// publish publishes until so many more are acknowledged.
func (p *publisher) publish(n int) {
	p.t.Helper()
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for n += len(p.acknowledged); len(p.acknowledged) < n; {
		if p.tryPublish() {
			continue
		}
		select {
		case <-retry.C:
		case <-p.ctx.Done():
			p.t.Fatalf("only %v are acknowledged", p.acknowledged)
		}
	}
}

func secretOf(id string) secret.Text { return secret.New(natstest.SecretPrefix + " of " + id) }

// A member keeps what the registry has, as an agent does.
type member struct {
	*registry.Registry
	t       *testing.T
	ctx     context.Context
	dir     string
	store   *store.Store
	changed chan struct{} // has room for one
}

func join(t *testing.T, url string, role natstest.Role) *member {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "credentials.json")
	if err := natstest.WriteCredentials(path, role, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	r, err := registry.New(registry.Config{
		Settings: registry.Settings{Team: protocol.Team{Registry: url, CredentialsFile: path}},
		TLS:      &tls.Config{}, Seen: func(secret.Text) {}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	m := &member{Registry: r, t: t, ctx: ctx, dir: filepath.Join(dir, "data"), changed: make(chan struct{}, 1)}
	m.store = store.New(m.dir, store.Options{})
	shared := m.source(m.store)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx, registry.Listener{
			Keep: func(s registry.Snapshot) error {
				_, problems, err := shared.Keep(team.Place{ID: r.Place(), Name: r.Name()}, s)
				for _, problem := range problems {
					t.Errorf("something does not count: %v", problem)
				}
				m.notice()
				return err
			},
			Changed: func(registry.State) { m.notice() },
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return m
}

func (m *member) source(st *store.Store) *team.Shared {
	return &team.Shared{Store: st, Provider: gitlabsm.Provider{}}
}

func (m *member) directory(st *store.Store) *team.Directory {
	return team.NewDirectory(st, gitlabsm.Provider{}, m.source(st))
}

func (m *member) notice() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// await waits until something is so.
func (m *member) await(what string, is func() bool) {
	m.t.Helper()
	for !is() {
		select {
		case <-m.changed:
		case <-m.ctx.Done():
			m.t.Fatalf("never %s; the connection is %+v", what, m.State())
		}
	}
}

// awaitAll waits until the member has instances, each with its secret.
func (m *member) awaitAll(ids []string) {
	m.t.Helper()
	d := m.directory(m.store)
	m.await(fmt.Sprint("all of ", ids), func() bool { return m.State().Connected && len(missing(m.t, m.store, d, ids)) == 0 })
}

func (m *member) hasAll(how string, d *team.Directory, ids []string) {
	m.t.Helper()
	if absent := missing(m.t, m.store, d, ids); len(absent) > 0 {
		m.t.Errorf("%s there is nothing of %v", how, absent)
	}
}

// missing returns the instances that are not there with their secrets.
func missing(t *testing.T, st *store.Store, d *team.Directory, ids []string) []string {
	t.Helper()
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		has := false
		err := st.View(func(tx *store.Tx) error {
			in, err := d.Instance(tx, id)
			if err != nil {
				return nil // it is not there
			}
			got, err := d.ClientSecret(tx, id)
			has = in.Confidential && got == secretOf(id)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return has
	})
}
