package auth

import (
	"context"
	"crypto/subtle"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/relay"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// errReplaced ends a sign-in in whose place the user started another.
var errReplaced = &protocol.Error{
	Code:    protocol.RequestCancelled,
	Message: "a later sign-in to the same instance took the place of this one",
	Hint:    "Finish the later one in the browser.",
}

// signIn is one sign-in that waits for the user.
type signIn struct {
	instance store.Instance
	verifier string   // PKCE's, a secret until the exchange
	redirect *url.URL // as GitLab has it
	local    *url.URL // where the listener is reached, if there is one

	cancel context.CancelCauseFunc
	gone   chan struct{} // closed when nothing of it is left
	noted  bool          // in the store, for other windows

	mu       sync.Mutex      // guards what follows
	state    string          // fresh each time, unguessable; empty where no callback is waited for
	taken    bool            // the callback came
	browser  bool            // it came from a browser, which waits for a page
	finished bool            // the user is no longer waited for
	callback chan url.Values // holds the one callback
}

// comeByRelay lets the state name the listener, to which a relay at the redirect
// URI then sends the browser.
func (s *signIn) comeByRelay(listener net.Listener) {
	at := listener.Addr().(*net.TCPAddr)
	s.mu.Lock()
	s.state = relay.NewState(at.Port)
	s.mu.Unlock()
	s.local = &url.URL{Scheme: "http", Host: at.String(), Path: relay.CallbackPath}
}

// deliver hands over the query of a callback, from a browser that waits for a page
// or without one. It returns CallbackRejected where the state is another's or was
// used; the sign-in goes on waiting then.
func (s *signIn) deliver(query url.Values, browser bool) error {
	if !s.hasState(query) {
		return rejected("its state belongs to no sign-in that waits here")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.taken:
		return rejected("it was used before")
	case s.finished:
		return rejected("the sign-in that it belongs to has ended")
	}
	s.taken, s.browser = true, browser
	s.callback <- query
	return nil
}

// awaited returns the state of the callback that is waited for, "" for none.
func (s *signIn) awaited() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *signIn) hasState(query url.Values) bool {
	state := s.awaited()
	return state != "" && len(query["state"]) == 1 && subtle.ConstantTimeCompare([]byte(query["state"][0]), []byte(state)) == 1
}

func rejected(problem string) error {
	return &protocol.Error{
		Code:    protocol.CallbackRejected,
		Message: "the callback was rejected: " + problem,
		Hint:    "Start the sign-in again from the editor.",
	}
}

// pendingSignIns are those of this process, at most one an instance.
type pendingSignIns struct {
	mu         sync.Mutex // guards byInstance
	byInstance map[string]*signIn
}

// replace puts s in the place of an earlier sign-in to the same instance, if
// there is one, and waits until nothing of that is left: it may hold the port.
func (p *pendingSignIns) replace(ctx context.Context, s *signIn) error {
	for {
		p.mu.Lock()
		if p.byInstance == nil {
			p.byInstance = make(map[string]*signIn)
		}
		earlier := p.byInstance[s.instance.ID]
		if earlier == nil {
			p.byInstance[s.instance.ID] = s
			p.mu.Unlock()
			return nil
		}
		p.mu.Unlock()
		earlier.cancel(errReplaced)
		select {
		case <-earlier.gone:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// remove ends the wait of those who would replace s.
func (p *pendingSignIns) remove(s *signIn) {
	p.mu.Lock()
	delete(p.byInstance, s.instance.ID)
	p.mu.Unlock()
	close(s.gone)
}

func (p *pendingSignIns) of(instance string) *signIn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byInstance[instance]
}

// all lists them.
func (p *pendingSignIns) all() []*signIn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.byInstance))
}

func (p *pendingSignIns) withState(query url.Values) *signIn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.byInstance {
		if s.hasState(query) {
			return s
		}
	}
	return nil
}

// Complete hands over a callback that reached the editor, as a whole URL, to the
// sign-in that waits for it, be it in another window. It returns CallbackRejected
// where none does.
func (m *Manager) Complete(callbackURL string) error {
	u, err := url.Parse(callbackURL)
	if err != nil || u.RawQuery == "" || len(u.RawQuery) > maxCallback {
		return &protocol.Error{
			Code:    protocol.InvalidParams,
			Message: "callbackUrl is not the whole address to which GitLab sent the browser",
			Hint:    "Copy all of the browser's address bar, with what follows the question mark.",
		}
	}
	s := m.pending.withState(u.Query())
	if s == nil {
		return m.handOver(u.Query())
	}
	return s.deliver(u.Query(), false)
}

// finish says that the sign-in no longer waits for the user, though its listener
// may stay for a moment.
func (s *signIn) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished = true
}

// hasBrowser reports whether a browser waits for the page, or has had it.
func (s *signIn) hasBrowser() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.browser
}

func (s *signIn) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.finished
}
