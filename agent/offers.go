package agent

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// offers are what the files in the workspace have offered in this session, and the
// questions about that: one an offer, however many wait for its answer. It is
// withdrawn as soon as nobody does, and once it is settled without its answer: by
// another window, by the workspace's being trusted, or by the file's saying something
// else.
type offers struct {
	turn  sync.Mutex // held while offers are made, so that one such question is open
	known sync.Map   // by team.Offer: those about which the user is asked, or was, unbidden

	mu    sync.Mutex               // guards what follows
	open  map[string]*openQuestion // by team.Offer
	asked map[string]bool          // likewise, whoever wanted to know
}

// openQuestion is one that the user was asked.
type openQuestion struct {
	instance team.Instance
	offer    string
	ctx      context.Context // ends when it is withdrawn
	withdraw context.CancelFunc
	settled  chan struct{} // closed when the answer is known
	err      error         // from then on: why the instance may not be used, nil to look again
	waiting  int           // how many want to know; guarded by offers.mu
}

// offer looks at the questions that are open, and asks about each instance that a
// file offers: once a session, one after another, and after a no nothing more of that
// folder.
func (a *Agent) offer(s *session, instances []team.Instance) {
	for _, q := range s.offers.questions() {
		if !s.isOpen(q.instance) {
			s.offers.remove(q)
		}
	}
	if a.config.NoOffers {
		return
	}
	var fresh []team.Instance
	for _, in := range instances {
		if in.NeedsApproval && s.offers.isNew(in) {
			fresh = append(fresh, in)
		}
	}
	if len(fresh) == 0 {
		return
	}
	a.dispatcher.work.Go(func() {
		s.offers.turn.Lock()
		defer s.offers.turn.Unlock()
		declined := map[string]bool{} // by folder
		for _, in := range fresh {
			if !declined[in.Folder] && !s.offers.wasAsked(in) {
				_, err := a.approved(s.ctx, s, in) // what they say is kept, or it is not used
				declined[in.Folder] = err != nil
			}
		}
	})
}

// isOpen reports whether an instance still waits for the user's word, with the
// settings that it has here.
func (s *session) isOpen(in team.Instance) bool {
	now, err := s.team.Resolve(in.ID)
	switch {
	case errors.Is(err, protocol.NotConfigured), errors.Is(err, protocol.Conflict):
		return false
	case err != nil:
		return true // nobody can tell
	}
	return now.NeedsApproval && team.Offer(now) == team.Offer(in)
}

// join returns the question about an instance, which is asked unless it is open. Who
// has joined has to leave.
func (a *Agent) join(s *session, in team.Instance) *openQuestion {
	q, isNew := s.offers.join(s.ctx, in)
	if isNew && !a.dispatcher.work.Go(func() { a.put(s, q) }) {
		s.offers.settle(q, context.Canceled) // the agent is about to end
	}
	return q
}

// put asks a question, and tells those who wait.
func (a *Agent) put(s *session, q *openQuestion) {
	err := context.Canceled // where it panics, or the session ends
	defer func() { s.offers.settle(q, err) }()
	if answer := a.askAbout(q.ctx, s, q.instance); s.ctx.Err() == nil {
		err = answer
	}
}

// join returns the open question about an instance, or a new one.
func (o *offers) join(ctx context.Context, in team.Instance) (q *openQuestion, isNew bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := team.Offer(in)
	if q = o.open[id]; q == nil {
		q = &openQuestion{instance: in, offer: id, settled: make(chan struct{})}
		q.ctx, q.withdraw = context.WithCancel(ctx)
		if o.open == nil {
			o.open, o.asked = make(map[string]*openQuestion), make(map[string]bool)
		}
		o.open[id], o.asked[id], isNew = q, true, true
	}
	q.waiting++
	return q, isNew
}

// settle says how a question has ended.
func (o *offers) settle(q *openQuestion, err error) {
	o.remove(q)
	q.err = err
	close(q.settled)
}

// leave ends the wait for a question's answer. One that nobody waits for is withdrawn.
func (o *offers) leave(q *openQuestion) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if q.waiting--; q.waiting == 0 {
		o.forget(q)
	}
}

// remove withdraws a question: nobody joins it any more.
func (o *offers) remove(q *openQuestion) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forget(q)
}

// forget is remove for whoever holds mu.
func (o *offers) forget(q *openQuestion) {
	if o.open[q.offer] == q { // and not a later one
		delete(o.open, q.offer)
	}
	q.withdraw()
}

// questions lists those that are open.
func (o *offers) questions() []*openQuestion {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(o.open))
}

// isNew reports whether an offer was not made before, and notes that it is now.
func (o *offers) isNew(in team.Instance) bool {
	_, known := o.known.LoadOrStore(team.Offer(in), true)
	return !known
}

// wasAsked reports whether the user was asked about an offer, unbidden or not.
func (o *offers) wasAsked(in team.Instance) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[team.Offer(in)]
}
