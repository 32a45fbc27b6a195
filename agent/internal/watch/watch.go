// Package watch tells when files may have changed, whoever changed them: the store,
// which other windows write too, and the files of instances. It looks by itself
// where the operating system cannot tell.
//
// Start at [Watcher].
package watch

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
)

const (
	// settle is how long files must be quiet before a change is told: one save, or
	// one transaction, is several writes.
	settle = 20 * time.Millisecond

	// pollInterval is how often to look where the operating system cannot tell, and
	// when to look again where it could not be seen what has changed.
	pollInterval = 2 * time.Second

	// patience is how long a look at a folder may take. One on a machine that is gone
	// can hang for ever.
	patience = time.Second
)

// Watcher watches files and folders by their paths.
type Watcher struct {
	looks  work.Patience[place]
	change chan struct{} // has room for one

	mu    sync.Mutex // guards paths
	paths []string
}

// New makes a watcher of nothing yet.
func New() *Watcher {
	return &Watcher{looks: work.Patience[place]{Limit: patience}, change: make(chan struct{}, 1)}
}

// Watch says which absolute paths to watch, in place of those before. They need not
// be there: it is told when they are, with all that is above them.
func (w *Watcher) Watch(paths ...string) {
	w.mu.Lock()
	w.paths = paths
	w.mu.Unlock()
	select {
	case w.change <- struct{}{}:
	default:
	}
}

func (w *Watcher) watched() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.paths)
}

// Run calls changed at the beginning, and after each change of what is watched, until
// ctx ends. Changes in quick succession are told once, and told again later where
// changed reports that it could not look. Where the operating system has no watches
// left, or a folder does not answer, changed is called at intervals.
func (w *Watcher) Run(ctx context.Context, changed func() bool) {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		w.run(ctx, &places{stat: os.Stat}, changed)
		return
	}
	defer system.Close()
	w.run(ctx, &places{system: system, stat: os.Stat}, changed)
}

func (w *Watcher) run(ctx context.Context, p *places, changed func() bool) {
	events, failures := p.signals()
	next := time.NewTimer(0) // whatever happened before the watch began
	defer next.Stop()
	select {
	case <-w.change: // looks at once too
	default:
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.change:
			next.Reset(settle)
		case <-failures:
			next.Reset(settle) // events may have been lost
		case event := <-events:
			if p.concerns(event) {
				next.Reset(settle)
			}
		case <-next.C:
			covered := p.cover(w.watched(), &w.looks)
			if looked := changed(); !looked || !covered {
				next.Reset(pollInterval)
			}
		}
	}
}
