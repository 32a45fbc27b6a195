package endurance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// An operation is one thing that a worker lets its agent do.
type operation struct {
	name string
	site *site
	// after is what the worker's own instance is like when it was done; nil where
	// that does not change.
	after *model
	// users are those whose tokens are taken or changed, renews says that none of
	// the earlier ones is left when it was done.
	users  []string
	renews bool
	// stages is how many it goes through; run tells at of each.
	stages int
	run    func(ctx context.Context, agent *window, at func(stage)) error
}

// simple is the run of an operation that is one request.
func simple(do func(context.Context, *window) error) func(context.Context, *window, func(stage)) error {
	return func(ctx context.Context, agent *window, at func(stage)) error {
		at(asked)
		return do(ctx, agent)
	}
}

func configuring(s *site, now model, name string) operation {
	after := now.named(name)
	return operation{name: "configure", site: s, after: &after, stages: 1,
		run: simple(func(ctx context.Context, agent *window) error { return s.configure(ctx, agent, name) })}
}

func unconfiguring(s *site, now model) operation {
	return operation{name: "unconfigure", site: s, after: &model{}, users: now.users(), renews: true, stages: 1,
		run: simple(s.unconfigure)}
}

func signingIn(s *site, now model, user string) operation {
	after := now.with(user)
	return operation{name: "sign in " + user, site: s, after: &after, users: []string{user}, renews: true, stages: int(stages),
		run: func(ctx context.Context, agent *window, at func(stage)) error { return s.signIn(ctx, agent, user, at) }}
}

func disconnecting(s *site, now model, user string) operation {
	after := now.without(user)
	return operation{name: "disconnect " + user, site: s, after: &after, users: []string{user}, renews: true, stages: 1,
		run: simple(func(ctx context.Context, agent *window) error { return s.disconnect(ctx, agent, user) })}
}

// refreshing asks for the user, for which a token that has run out is refreshed.
func refreshing(s *site, user string) operation {
	return operation{name: "refresh " + user, site: s, users: []string{user}, stages: 1,
		run: simple(func(ctx context.Context, agent *window) error {
			found, err := s.currentUser(ctx, agent, user)
			if err == nil && found.Username != user {
				return fmt.Errorf("the token of %s is of %s", user, found.Username)
			}
			return err
		})}
}

// choose draws an operation that is possible now. Some are refreshes at another
// worker's site, so that agents get into each other's way.
func (w *worker) choose() operation {
	there := w.acknowledged.users()
	draw := w.random.IntN(100)
	switch {
	case draw < 20:
		return refreshing(pick(w.random, w.others), pick(w.random, users))
	case w.acknowledged.name == "" || draw < 30:
		w.names++
		return configuring(w.site, w.acknowledged, fmt.Sprintf("GitLab %d", w.names))
	case draw < 38:
		return unconfiguring(w.site, w.acknowledged)
	case len(there) == 0 || draw < 60:
		return signingIn(w.site, w.acknowledged, pick(w.random, users))
	case draw < 72:
		return disconnecting(w.site, w.acknowledged, pick(w.random, there))
	default:
		return refreshing(w.site, pick(w.random, there))
	}
}

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

// mayFailElsewhere reports whether a refresh at another worker's site may get this
// error: that worker may just have removed its instance or signed out, it may
// have been killed, or it may have signed in again so that the token was replaced
// twice while the refresh went on.
func mayFailElsewhere(err error) bool {
	return errors.Is(err, protocol.NotConfigured) || errors.Is(err, protocol.SignInRequired) ||
		errors.Is(err, protocol.GitLabError) && errorData(err).Status == http.StatusUnauthorized
}
