package agent

import (
	"context"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/watch"
	"github.com/teamcodestream/codestream-agent/agent/internal/work"
)

// session is what hangs on a data directory.
type session struct {
	store *store.Store
	team  *team.Directory
	auth  *auth.Manager
	news  *announcer

	workspace *team.Workspace
	shared    *team.Shared
	registry  teamRegistry
	files     *watch.Watcher
	offers    offers
	told      told

	once       sync.Once
	prepareErr error
	unreported sync.Once // prepareErr is told once

	stop  context.CancelFunc
	watch work.Group
	ctx   context.Context // of the watch
	log   func(msg string, args ...any)
}

// newSession makes the session of a data directory. It touches no file, and asks
// no keyring.
func (a *Agent) newSession(dir string) *session {
	s := &session{
		store: store.New(dir, store.Options{Keyring: a.config.Keyring, Seen: a.seen, Log: a.log}),
		files: watch.New(),
		log:   a.log.Warn,
	}
	s.watch.Panicked = logPanic(a.log)
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.workspace = &team.Workspace{Provider: a.provider, Rules: a.rules()}
	s.shared = &team.Shared{Store: s.store, Provider: a.provider, Rules: a.rules()}
	policy := &team.Policy{Path: a.config.PolicyFile, Provider: a.provider, Rules: a.rules()}
	s.team = team.NewDirectory(s.store, a.provider, policy, team.Local{}, s.shared, s.workspace)
	s.auth = auth.New(auth.Config{
		Store: s.store, Provider: a.provider, Instances: s.team, Transport: a.transport,
		Changed: func() { s.news.announce() },
		Log:     a.log, Seen: a.seen, SeenCallback: a.seenQuery, Hide: a.known.Hide,
	})
	s.news = &announcer{agent: a, session: s}
	return s
}

// prepare notes what the editor does not have to be told, since it can ask, and
// begins to watch for changes that other processes make.
func (s *session) prepare() {
	s.once.Do(func() {
		s.prepareErr = s.news.begin()
		s.watch.Go(func() {
			if err := s.store.MakeDir(); err != nil {
				s.log("changes by other windows may not be noticed", "error", err)
			}
			s.files.Run(s.ctx, s.changed)
		})
		s.registry.begin()
	})
}

// open says which folders of the workspace are open.
func (s *session) open(folders []string) {
	s.workspace.SetFolders(folders)
	s.files.Watch(append(s.team.Paths(), s.store.File())...)
}

// changed is called when the store or a file of instances has changed, whoever did
// it. It reports whether that could be seen and told.
func (s *session) changed() bool {
	s.auth.Collect()
	return s.news.announce()
}

// close stops the watch and what waits for a user, and waits for what may not be
// cut off, or until ctx ends.
func (s *session) close(ctx context.Context) {
	s.stop()
	s.auth.Close(ctx)
	if s.watch.Close(ctx) != nil {
		s.log("a look at the store was cut off at the end")
	}
}

// ready returns the session, prepared. A store that turned out to be damaged is
// told to the first who asks; the new one serves from then on.
func (a *Agent) ready() (*session, error) {
	a.mu.Lock()
	s := a.session
	a.mu.Unlock()
	s.prepare()
	var err error
	s.unreported.Do(func() { err = s.prepareErr })
	return s, err
}
