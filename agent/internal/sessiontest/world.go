package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"

	"github.com/gofrs/flock"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// The world is all that is outside of editors and agents.
type world struct {
	ctx        context.Context
	gitlabs    []*gitlab
	registries map[string]*natstest.Server
	closers    []func()
	storeLock  *flock.Flock // held where not nil

	// signIn is the newest one that a step has seen start.
	signIn *protocol.DidStartAuthenticationParams

	browsers sync.WaitGroup
	pending  []*browsing          // whose page no step has looked at
	page     *providertest.Page   // at which the last "! page" looked
	pages    []*providertest.Page // that all browsers ended on
}

func newWorld(ctx context.Context) world {
	return world{ctx: ctx, registries: map[string]*natstest.Server{}}
}

// close ends everything. The fakes can still be asked what they saw.
func (w *world) close() {
	for _, closer := range slices.Backward(w.closers) {
		closer()
	}
	w.closers = nil
	w.unlockStore()
	w.browsers.Wait()
}

// A gitlab is a fake with what the script said of it.
type gitlab struct {
	*providertest.GitLab
	name   string
	users  []providertest.User
	app    providertest.Application
	scopes []string // that the script named
	caFile string
	before int             // requests before the session began
	held   []chan struct{} // by faults
}

// gitlab returns a fake by its name; "" means the first.
func (w *world) gitlab(name string) (*gitlab, error) {
	for _, g := range w.gitlabs {
		if g.name == name || name == "" {
			return g, nil
		}
	}
	return nil, fmt.Errorf("the setup has no gitlab %q", name)
}

// user returns a person of an instance, who is added if not yet there; "" means
// the first.
func (g *gitlab) user(name string) providertest.User {
	for _, user := range g.users {
		if user.Username == name || name == "" {
			return user
		}
	}
	user := g.AddUser(providertest.User{Username: name})
	g.users = append(g.users, user)
	return user
}

// browser returns a fresh browser with that person in front of it.
func (g *gitlab) browser(user string) *providertest.Browser {
	who := g.user(user)
	return providertest.NewBrowser(who.Username, who.Password, g.CertificatePEM())
}

// sessionBegins makes the counting of requests begin.
func (w *world) sessionBegins() {
	for _, g := range w.gitlabs {
		g.before = len(g.Requests())
	}
}

// count says how many such requests came before the session and since.
func (g *gitlab) count(method, path string) (before, since int) {
	for i, r := range g.Requests() {
		if r.Method != method || r.Path != path {
			continue
		}
		if i < g.before {
			before++
		} else {
			since++
		}
	}
	return before, since
}

// hold returns a channel that holds answers until release.
func (g *gitlab) hold() <-chan struct{} {
	held := make(chan struct{})
	g.held = append(g.held, held)
	return held
}

func (g *gitlab) release() {
	for _, held := range g.held {
		close(held)
	}
	g.held = nil
}

// signInStarted notes where the browser has to go, and the variables for it.
func (w *world) signInStarted(signIn protocol.DidStartAuthenticationParams, vars variables) {
	w.signIn = &signIn
	if u, err := url.Parse(signIn.AuthorizeURL); err == nil {
		vars["state"] = u.Query().Get("state")
	}
	vars["authorizeUrl"] = signIn.AuthorizeURL
	vars["redirectUri"] = signIn.RedirectURI
}

// busyPort returns a port that is in use.
func (w *world) busyPort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	w.closers = append(w.closers, func() { listener.Close() })
	return portOf(listener.Addr()), nil
}

// closedPort returns a port on which nothing listens, nor will: it is the near
// end of a connection.
func (w *world) closedPort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return "", errors.Join(err, listener.Close())
	}
	w.closers = append(w.closers, func() {
		conn.Close()
		listener.Close()
	})
	return portOf(conn.LocalAddr()), nil
}

func portOf(addr net.Addr) string { return fmt.Sprint(addr.(*net.TCPAddr).Port) }

func (w *world) unlockStore() {
	if w.storeLock != nil {
		_ = w.storeLock.Close()
		w.storeLock = nil
	}
}
