package store

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long the file must be quiet before a change is told: one
	// transaction is several writes.
	settle = 20 * time.Millisecond

	// pollInterval is how often to look where the operating system cannot tell,
	// and when to look again where it could not be seen what has changed.
	pollInterval = 2 * time.Second
)

// Watch calls changed after each change of the store, whoever made it, until ctx
// ends. Changes in quick succession are told once, and told again later where
// changed reports that it could not look. Where the operating system has no
// watches left, it calls changed at intervals instead.
func (s *Store) Watch(ctx context.Context, changed func() bool) error {
	if err := s.createDir(); err != nil {
		return s.unusable(err)
	}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		err = watcher.Add(s.dir)
	}
	if err != nil {
		poll(ctx, changed)
		return nil
	}
	quiet := time.NewTimer(0) // whatever happened before the watch began
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.Errors:
			quiet.Reset(settle) // events may have been lost
		case event := <-watcher.Events:
			if event.Name == s.dir && (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)) {
				if s.createDir() != nil || watcher.Add(s.dir) != nil {
					poll(ctx, changed)
					return nil
				}
				quiet.Reset(settle)
			}
			if filepath.Base(event.Name) == fileName && !event.Has(fsnotify.Chmod) {
				quiet.Reset(settle)
			}
		case <-quiet.C:
			if !changed() {
				quiet.Reset(pollInterval)
			}
		}
	}
}

func poll(ctx context.Context, changed func() bool) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		changed()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
