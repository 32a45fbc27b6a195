package work

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Questions are what is being asked, by key: each once, however many want to know. No
// one of them can cancel it for the others. It is withdrawn when nobody waits any more,
// or by whoever sees that it needs no answer. The zero value is none.
type Questions[K comparable, T any] struct {
	mu   sync.Mutex // guards open, and how many wait
	open map[K]*Question[K, T]
}

// Question is one that was asked.
type Question[K comparable, T any] struct {
	Key K
	// Context ends when the question is withdrawn.
	Context context.Context
	// Settled is closed when the answer is known, and Answer is what it is from then on.
	Settled <-chan struct{}
	Answer  T

	withdraw context.CancelFunc
	settled  chan struct{}
	waiting  int
}

// Join returns the open question with a key, or a new one, which the caller has to ask
// and to settle. It ends with ctx at the latest. Whoever has joined has to leave.
func (all *Questions[K, T]) Join(ctx context.Context, key K) (q *Question[K, T], isNew bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	q = all.open[key]
	if q == nil {
		settled := make(chan struct{})
		q = &Question[K, T]{Key: key, Settled: settled, settled: settled}
		q.Context, q.withdraw = context.WithCancel(ctx)
		if all.open == nil {
			all.open = make(map[K]*Question[K, T])
		}
		all.open[key], isNew = q, true
	}
	q.waiting++
	return q, isNew
}

// Leave ends a wait, and reports whether nobody waits any more: the question is then
// withdrawn, though whoever asks it may not have noticed yet.
func (all *Questions[K, T]) Leave(q *Question[K, T]) (last bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	q.waiting--
	if last = q.waiting == 0; last {
		all.remove(q)
	}
	return last
}

// Settle says the answer, once, to all who have joined.
func (all *Questions[K, T]) Settle(q *Question[K, T], answer T) {
	all.Withdraw(q)
	q.Answer = answer
	close(q.settled)
}

// Withdraw ends a question: nobody joins it any more. It is still to be settled.
func (all *Questions[K, T]) Withdraw(q *Question[K, T]) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.remove(q)
}

func (all *Questions[K, T]) remove(q *Question[K, T]) {
	if all.open[q.Key] == q { // and not a later one
		delete(all.open, q.Key)
	}
	q.withdraw()
}

// Open lists the questions that are open.
func (all *Questions[K, T]) Open() []*Question[K, T] {
	all.mu.Lock()
	defer all.mu.Unlock()
	return slices.Collect(maps.Values(all.open))
}
