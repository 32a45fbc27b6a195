package agent

import (
	"context"
	"errors"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/agent/internal/work"
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
	asked sync.Map   // by team.Offer: the instance that the user was asked about, whoever wanted to know

	questions work.Questions[string, error] // by team.Offer: why it may not be used, nil to look again
}

// offer looks at the questions that are open, and asks about each instance that a
// file offers: once a session, one after another, and after a no nothing more of that
// folder.
func (a *Agent) offer(s *session, instances []team.Instance) {
	for _, q := range s.offers.questions.Open() {
		if in, _ := s.offers.asked.Load(q.Key); !s.isOpen(in.(team.Instance)) {
			s.offers.questions.Withdraw(q)
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

// askOnce returns the question about an instance, which is asked unless it is open. Who
// has joined has to leave.
func (a *Agent) askOnce(s *session, in team.Instance) *work.Question[string, error] {
	id := team.Offer(in)
	s.offers.asked.Store(id, in)
	q, isNew := s.offers.questions.Join(s.ctx, id)
	if isNew && !a.dispatcher.work.Go(func() { a.put(s, in, q) }) {
		s.offers.questions.Settle(q, context.Canceled) // the agent is about to end
	}
	return q
}

// put asks a question, and tells those who wait.
func (a *Agent) put(s *session, in team.Instance, q *work.Question[string, error]) {
	err := context.Canceled // where it panics, or the session ends
	defer func() { s.offers.questions.Settle(q, err) }()
	if answer := a.askAbout(q.Context, s, in); s.ctx.Err() == nil {
		err = answer
	}
}

// isNew reports whether an offer was not made before, and notes that it is now.
func (o *offers) isNew(in team.Instance) bool {
	_, known := o.known.LoadOrStore(team.Offer(in), true)
	return !known
}

// wasAsked reports whether the user was asked about an offer, unbidden or not.
func (o *offers) wasAsked(in team.Instance) bool {
	_, asked := o.asked.Load(team.Offer(in))
	return asked
}
