package work

import (
	"sync"
	"time"
)

// Patience runs what can hang for ever and cannot be cut off, such as a look at a
// file on a machine that is gone. Nobody waits longer than the limit, and nobody at
// all while one for the same key is overdue.
type Patience[T any] struct {
	Limit time.Duration

	mu     sync.Mutex // guards queues, and what is in them
	queues map[string]*queue[T]
}

// queue is what is done for one key, one after another.
type queue[T any] struct {
	began   time.Time  // of the one under way
	overdue bool       // it is
	next    *errand[T] // for all who came while one was under way; nil: nobody did
}

type errand[T any] struct {
	run    func() T
	done   chan struct{}
	result T // once it is done
}

// Do runs f, which must not panic, and returns what it does; ok is false where it has
// not ended within the limit. Those who come while one is under way for the same key
// share the next, and so learn what was so when they came. What is overdue ends
// whenever it does.
func (p *Patience[T]) Do(key string, f func() T) (result T, ok bool) {
	e := p.enlist(key, f)
	if e == nil {
		return result, false
	}
	limit := time.NewTimer(p.Limit)
	defer limit.Stop()
	select {
	case <-e.done:
		return e.result, true
	case <-limit.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if q := p.queues[key]; q != nil && time.Since(q.began) >= p.Limit { // else it may be on time
		q.overdue = true
	}
	return result, false
}

// enlist returns the errand to wait for, nil where one is overdue.
func (p *Patience[T]) enlist(key string, f func() T) *errand[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[key]
	switch {
	case q == nil:
		if p.queues == nil {
			p.queues = make(map[string]*queue[T])
		}
		q = &queue[T]{began: time.Now()}
		p.queues[key] = q
		e := newErrand(f)
		go p.work(key, q, e)
		return e
	case q.overdue:
		return nil
	case q.next == nil:
		q.next = newErrand(f)
	}
	return q.next
}

func newErrand[T any](f func() T) *errand[T] { return &errand[T]{run: f, done: make(chan struct{})} }

func (p *Patience[T]) work(key string, q *queue[T], e *errand[T]) {
	for e != nil {
		e.result = e.run()
		close(e.done)
		p.mu.Lock()
		e, q.next, q.overdue, q.began = q.next, nil, false, time.Now()
		if e == nil {
			delete(p.queues, key)
		}
		p.mu.Unlock()
	}
}
