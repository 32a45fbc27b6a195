package providertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// journal is the record of requests.
type journal struct {
	requests []*Request
	arrived  chan struct{} // closed, and replaced, whenever a request arrives
}

func newJournal() journal { return journal{arrived: make(chan struct{})} }

// write records a request and wakes all who wait for one.
func (j *journal) write(r *Request) {
	j.requests = append(j.requests, r)
	close(j.arrived)
	j.arrived = make(chan struct{})
}

func (j *journal) count(method, path string) int {
	n := 0
	for _, r := range j.requests {
		if r.Method == method && r.Path == path {
			n++
		}
	}
	return n
}

// Requests gives all requests so far, in the order in which they arrived.
func (g *GitLab) Requests() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Request, len(g.requests))
	for i, r := range g.requests {
		all[i] = *r
	}
	return all
}

// Count says how many requests with this method and path (below the root, as in
// [Request]) have arrived, answered or not.
func (g *GitLab) Count(method, path string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count(method, path)
}

// Await returns when n requests with this method and path have arrived since the
// start, answered or not; or with an error when ctx ends first.
func (g *GitLab) Await(ctx context.Context, method, path string, n int) error {
	for {
		g.mu.Lock()
		have, arrived := g.count(method, path), g.arrived
		g.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests %s %s came: %w", have, n, method, path, ctx.Err())
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
