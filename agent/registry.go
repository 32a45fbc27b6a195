package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// teamRegistry is the session's connection to the team's registry, if one is set.
type teamRegistry struct {
	// noting keeps what the watch has to tell of a write until whoever wrote has noted
	// it, with what else changes by it.
	noting sync.Mutex

	mu      sync.Mutex         // guards what follows
	current *registry.Registry // nil: none is set
	problem error              // what keeps the one that is set from being used
	run     func(*registry.Registry) context.CancelFunc
	stop    context.CancelFunc
	started bool            // the session has begun, and so does every connection
	warned  map[string]bool // the kinds of problems that the user knows of
}

// inUse returns the registry of the settings, nil where none is set.
func (c *teamRegistry) inUse() *registry.Registry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// unusable returns what is wrong with the settings where they name a registry that
// cannot be used; nil where there is nothing.
func (c *teamRegistry) unusable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

// NewTeamKey makes a key that seals client secrets in a team's registry, as the block
// that a credentials file has.
func NewTeamKey() string { return registry.NewTeamKey() }

// newRegistry makes the registry of the settings, nil where none is set. It asks
// nobody. It returns InvalidParams or InsecureTransport.
func (a *Agent) newRegistry(o protocol.InitializationOptions) (*registry.Registry, error) {
	if o.Team == nil || o.Team.Registry == "" {
		return nil, nil
	}
	var network protocol.Network
	if o.Network != nil {
		network = *o.Network
	}
	tlsConfig, err := providers.TLSConfig(network)
	if err != nil {
		return nil, err
	}
	r, err := registry.New(registry.Config{Settings: registry.Settings{Team: *o.Team, Network: network}, TLS: tlsConfig, Seen: a.seen, Log: a.log})
	return r, protocol.WithCause(err, protocol.CauseSettings)
}

// use goes over to another registry, unless its settings are those of the one in
// use. problem is why there is none where one is set.
func (c *teamRegistry) use(next *registry.Registry, problem error, connect func(*registry.Registry) context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problem = problem
	if next != nil && c.current != nil && next.Settings == c.current.Settings {
		return
	}
	if c.stop != nil {
		c.stop()
	}
	c.current, c.stop, c.warned, c.run = next, nil, make(map[string]bool), connect
	if c.started && next != nil {
		c.stop = connect(next)
	}
}

// begin connects, now that the session has begun.
func (c *teamRegistry) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started = true; c.current != nil {
		c.stop = c.run(c.current)
	}
}

// isNews notes that the user hears of a kind of problem, and reports whether it is the
// first time since the registry was set.
func (c *teamRegistry) isNews(kind string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.warned[kind]
	c.warned[kind] = true
	return !known
}

// placeOf is where a registry is, for what is kept of it.
func placeOf(r *registry.Registry) team.Place { return team.Place{ID: r.Place(), Name: r.Name()} }

// follow connects to a registry, which nobody waits for, and returns how to stop.
func (a *Agent) follow(s *session, r *registry.Registry) context.CancelFunc {
	ctx, stop := context.WithCancel(s.ctx)
	at, kept := placeOf(r), make(chan struct{}, 1)
	s.watch.Go(func() { a.keepInLine(ctx, s, at, kept) })
	s.watch.Go(func() {
		r.Run(ctx, registry.Listener{
			Keep:    func(state registry.Snapshot) error { return a.keep(s, at, state, kept) },
			Changed: func(state registry.State) { a.registryChanged(s, at, state) },
		})
	})
	return stop
}

// keep saves what the registry has, tells the editor, and has the accounts brought
// in line.
func (a *Agent) keep(s *session, at team.Place, state registry.Snapshot, kept chan<- struct{}) error {
	s.registry.noting.Lock()
	changed, problems, err := s.shared.Keep(at, state)
	s.registry.noting.Unlock()
	for _, problem := range problems {
		level := slog.LevelWarn
		if errors.Is(problem, team.ErrOlder) {
			level = slog.LevelInfo
		}
		a.log.Log(context.Background(), level, "something in the team's registry does not count", "registry", at.Name, "error", problem)
	}
	if err != nil {
		a.log.Warn("what the team's registry has could not be kept", "registry", at.Name, "error", err)
		return err
	}
	if changed {
		s.news.announce()
	}
	select {
	case kept <- struct{}{}:
	default: // it is about to be looked at
	}
	return nil
}

// registryChanged tells the editor how it stands with the registry, and the user that it
// is away, once for each kind of problem, and whether anything of it serves meanwhile.
func (a *Agent) registryChanged(s *session, at team.Place, state registry.State) {
	s.news.announce()
	if state.Problem == nil || !s.registry.isNews(registry.Kind(state.Problem)) {
		return
	}
	message := "CodeStream: " + advice(state.Problem)
	if serves, err := s.shared.Serves(at); err == nil && serves {
		message += " What was last seen of it still serves."
	}
	a.showMessage(protocol.MessageWarning, message)
}

// publish puts an instance into the registry, in place of the one that was last
// seen there, and returns how this machine takes note.
func (s *session) publish(ctx context.Context, in store.Instance, clientSecret secret.Text, unchanged func(*store.Tx) error) (keep func(*store.Tx) error, err error) {
	r := s.registry.inUse()
	at := placeOf(r)
	seen, err := s.shared.Version(at, in.ID)
	if err == nil {
		err = s.store.View(unchanged) // by the version that is published over
	}
	if err != nil {
		return nil, err
	}
	entry := registry.Entry{ID: in.ID, Instance: team.ToShared(in), Confidential: in.Confidential, ClientSecret: clientSecret}
	now, err := r.Publish(ctx, entry, seen)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error {
		return errors.Join(
			tx.DropInstance(in.ID), // it would hide what the team changes
			s.shared.Published(tx, at, in, now, clientSecret),
		)
	}, nil
}

// withdrawShared takes an instance out of the registry, and returns how this machine
// forgets it. Where none is set, and where the registry does not have it (any more), it
// is only forgotten here.
func (s *session) withdrawShared(ctx context.Context, id string) (forget func(*store.Tx) error, err error) {
	var mark registry.Version
	if r := s.registry.inUse(); r != nil {
		var seen registry.Version
		if seen, err = s.shared.Version(placeOf(r), id); err == nil {
			mark, err = r.Withdraw(ctx, id, seen)
		}
	} else {
		err = s.registry.unusable()
	}
	return func(tx *store.Tx) error { return s.shared.Forget(tx, id, mark) }, err
}

// describeRegistry says how it stands with the registry; nil where none is set.
func (s *session) describeRegistry() *protocol.RegistryStatus {
	r := s.registry.inUse()
	if r == nil {
		return nil
	}
	state := r.State()
	described := &protocol.RegistryStatus{URL: r.Name(), State: protocol.RegistryConnecting, Since: *wireTime(state.Since)}
	switch {
	case state.Connected:
		described.State = protocol.RegistryConnected
	case state.Problem != nil:
		problem := describeProblem(protocol.SourceTeam, state.Problem)
		described.State, described.Problem = protocol.RegistryAway, &problem
	}
	return described
}
