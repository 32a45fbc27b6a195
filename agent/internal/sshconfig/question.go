package sshconfig

import (
	"context"
	"time"

	"github.com/teamcodestream/codestream-agent/providers"
)

// question is what ssh is being asked, for all who want to know the same. It is not
// any of theirs to cancel: it ends when the last of them has stopped waiting.
type question struct {
	waiting  int // guarded by the resolver's mutex
	cancel   context.CancelFunc
	answered chan struct{} // closed when there is an answer, which may be none
	answer
}

// join returns the question that is being asked, or asks it. The caller holds the
// mutex.
func (r *Resolver) join(ctx context.Context, asked providers.SSHHost) *question {
	if q, ok := r.asking[asked]; ok {
		q.waiting++
		return q
	}
	if r.asking == nil {
		r.asking = make(map[providers.SSHHost]*question)
		r.running = make(chan struct{}, maxRunning)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q := &question{waiting: 1, cancel: cancel, answered: make(chan struct{})}
	r.asking[asked] = q
	go func() {
		defer cancel()
		defer close(q.answered)
		host, ok := r.ask(ctx, asked)
		r.mu.Lock()
		defer r.mu.Unlock()
		if q.waiting == 0 {
			return // given up, which says nothing of the host
		}
		q.answer = answer{host, ok, time.Now()}
		delete(r.asking, asked)
		if r.known == nil || len(r.known) >= maxKnown {
			r.known = make(map[providers.SSHHost]answer)
		}
		r.known[asked] = q.answer
	}()
	return q
}

// leave stops waiting. The last to do so waits until ssh has ended, so that nothing
// outlives those for whom it runs; whoever asks meanwhile asks anew.
func (r *Resolver) leave(asked providers.SSHHost, q *question) {
	r.mu.Lock()
	q.waiting--
	last := q.waiting == 0
	if last && r.asking[asked] == q {
		delete(r.asking, asked)
	}
	r.mu.Unlock()
	if last {
		q.cancel()
		<-q.answered
	}
}
