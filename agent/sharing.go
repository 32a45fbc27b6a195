package agent

import (
	"context"
	"errors"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/team/registry"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// sharing is the session's connection to the team's registry, if one is set.
type sharing struct {
	mu      sync.Mutex         // guards what follows
	current *registry.Registry // nil: none is set
	problem error              // what keeps the one that is set from being used
	run     func(*registry.Registry) context.CancelFunc
	stop    context.CancelFunc
	started bool // the session has begun, and so does every connection
	warned  bool // the user knows that it is away
}

func (c *sharing) registry() *registry.Registry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// unusable returns what is wrong with the settings where they name a registry that
// cannot be used; nil where there is nothing.
func (c *sharing) unusable() error {
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
func (c *sharing) use(next *registry.Registry, problem error, connect func(*registry.Registry) context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problem = problem
	if next != nil && c.current != nil && next.Settings == c.current.Settings {
		return
	}
	if c.stop != nil {
		c.stop()
	}
	c.current, c.stop, c.warned, c.run = next, nil, false, connect
	if c.started && next != nil {
		c.stop = connect(next)
	}
}

// begin connects, now that the session has begun.
func (c *sharing) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started = true; c.current != nil {
		c.stop = c.run(c.current)
	}
}

// follow connects to a registry, which nobody waits for, and returns how to stop.
func (a *Agent) follow(s *session, r *registry.Registry) context.CancelFunc {
	ctx, stop := context.WithCancel(s.ctx)
	s.watch.Go(func() {
		r.Run(ctx, registry.Listener{
			Keep:    func(state registry.Snapshot) error { return a.keep(s, r.Name(), state) },
			Changed: func(state registry.State) { a.registryChanged(s, state) },
		})
	})
	return stop
}

// keep saves what the registry has, and tells the editor.
func (a *Agent) keep(s *session, name string, snapshot registry.Snapshot) error {
	changed, problems, err := s.shared.Keep(name, snapshot)
	for _, problem := range problems {
		a.log.Warn("an instance of the team's registry does not count", "error", problem)
	}
	if err != nil {
		a.log.Warn("what the team's registry has could not be kept", "error", err)
		return err
	}
	if changed {
		s.news.announce()
		a.dispatcher.work.Go(func() { a.reconcile(s) })
	}
	return nil
}

// registryChanged tells the editor how it stands with the registry, and the user,
// once a session, that it is away: what was last seen serves.
func (a *Agent) registryChanged(s *session, state registry.State) {
	c := &s.sharing
	c.mu.Lock()
	tell := !state.Connected && state.Problem != nil && !c.warned
	c.warned = c.warned || tell
	c.mu.Unlock()
	s.news.announce()
	if tell {
		a.showMessage(protocol.MessageWarning, "CodeStream: "+advice(state.Problem))
	}
}

// reconcile signs out of instances that were withdrawn, and notes which accounts
// have to sign in again, since the team's application is another by now.
func (a *Agent) reconcile(s *session) {
	var shared []store.Shared
	err := s.store.View(func(tx *store.Tx) (err error) {
		shared, err = tx.SharedInstances()
		return err
	})
	for _, in := range shared {
		if in.Withdrawn {
			err = errors.Join(err, a.signOutWithdrawn(s, in))
		} else {
			err = errors.Join(err, s.refuseForeign(in))
		}
	}
	if err != nil {
		a.log.Warn("the accounts were not brought in line with the team's registry", "error", err)
	}
	s.news.announce()
}

func (a *Agent) signOutWithdrawn(s *session, in store.Shared) error {
	if _, err := s.team.Resolve(in.ID); errors.Is(err, protocol.NotConfigured) {
		s.auth.CancelSignIn(in.ID)
		accounts, err := s.accountsOf(in.ID)
		if err != nil {
			return err
		}
		warnings, err := s.dropAccounts(s.ctx, accounts)
		if err != nil {
			return err
		}
		for _, warning := range warnings {
			a.showMessage(protocol.MessageWarning, warning)
		}
	} else if err != nil {
		return err
	}
	return s.store.Update(func(tx *store.Tx) error {
		now, err := tx.SharedInstance(in.ID)
		if err != nil || !now.Withdrawn { // it is gone, or back
			return nil
		}
		return tx.DeleteShared(in.ID)
	})
}

// refuseForeign notes that tokens of another application than the instance's are
// good no more.
func (s *session) refuseForeign(in store.Shared) error {
	counts, err := s.team.Resolve(in.ID)
	if err != nil || counts.Source != protocol.SourceTeam {
		return err
	}
	return s.store.Update(func(tx *store.Tx) error {
		accounts, err := tx.AccountsOf(in.ID)
		for _, account := range accounts {
			if account.Method != protocol.MethodToken && account.ClientID != in.ClientID && account.Refused == "" {
				err = errors.Join(err, tx.RefuseAccount(account.Key(), auth.ReasonOtherApplication))
			}
		}
		return err
	})
}

// publish puts an instance into the registry, in place of the one that was last
// seen there, and returns how this machine takes note.
func (s *session) publish(ctx context.Context, in store.Instance, clientSecret secret.Text) (keep func(*store.Tx) error, err error) {
	r := s.sharing.registry()
	seen, err := s.seenShared(in.ID, r)
	if err != nil {
		return nil, err
	}
	entry := registry.Entry{ID: in.ID, Instance: team.ToShared(in), Confidential: in.Confidential, ClientSecret: clientSecret}
	version, err := r.Publish(ctx, entry, registry.Version{Revision: seen.Revision})
	if err != nil {
		return nil, err
	}
	published := store.Shared{Instance: in, Registry: r.Name(), Revision: version.Revision}
	return func(tx *store.Tx) error {
		if err := tx.DropInstance(in.ID); err != nil { // it would hide what the team changes
			return err
		}
		now, err := tx.SharedInstance(in.ID)
		switch {
		case errors.Is(err, store.ErrNotFound), err == nil && (now.Registry != published.Registry || now.Revision < version.Revision):
			return tx.PutShared(published, clientSecret)
		}
		return err // the watch was faster, and may know more
	}, nil
}

// withdrawShared takes an instance out of the registry. Where none is set, only what
// was last seen of one is forgotten here.
func (s *session) withdrawShared(ctx context.Context, in team.Instance) error {
	r := s.sharing.registry()
	if r == nil || in.Origin != r.Name() {
		return nil
	}
	seen, err := s.seenShared(in.ID, r)
	if err != nil {
		return err
	}
	return r.Withdraw(ctx, in.ID, registry.Version{Revision: seen.Revision})
}

// seenShared returns what was last seen of an instance in the registry.
func (s *session) seenShared(id string, r *registry.Registry) (seen store.Shared, err error) {
	err = s.store.View(func(tx *store.Tx) error {
		seen, err = tx.SharedInstance(id)
		if errors.Is(err, store.ErrNotFound) || err == nil && (seen.Registry != r.Name() || seen.Withdrawn) {
			seen, err = store.Shared{}, nil
		}
		return err
	})
	return seen, err
}

// describeRegistry says how it stands with the registry; nil where none is set.
func (s *session) describeRegistry() *protocol.RegistryStatus {
	r := s.sharing.registry()
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
