package team

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a file must be quiet before a change is told: an editor saves
// in several steps.
const settle = 20 * time.Millisecond

// Watcher tells when a file of instances may have changed: that of a folder, or the
// machine's policy. Where the operating system has no watches left, changes are seen
// with the next question, which reads the files anew.
type Watcher struct {
	mu     sync.Mutex // guards what follows
	files  []string
	change chan struct{} // has room for one
}

// Watch says which files to watch, in place of those before.
func (w *Watcher) Watch(files []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = files
	select {
	case w.changes() <- struct{}{}:
	default:
	}
}

// changes returns the channel. The caller holds mu.
func (w *Watcher) changes() chan struct{} {
	if w.change == nil {
		w.change = make(chan struct{}, 1)
	}
	return w.change
}

// Run calls changed after each change, until ctx ends.
func (w *Watcher) Run(ctx context.Context, changed func()) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return
	}
	defer watcher.Close()
	w.mu.Lock()
	other := w.changes()
	w.mu.Unlock()
	quiet := time.NewTimer(settle)
	defer quiet.Stop()
	var dirs []string
	for {
		select {
		case <-ctx.Done():
			return
		case <-other:
			quiet.Reset(settle)
		case <-watcher.Errors:
			quiet.Reset(settle)
		case event := <-watcher.Events:
			if slices.Contains(dirs, event.Name) || w.isOf(event.Name) {
				quiet.Reset(settle)
			}
		case <-quiet.C:
			dirs = w.renew(watcher, dirs)
			changed()
		}
	}
}

// renew watches the directories in which the files are, or would be.
func (w *Watcher) renew(watcher *fsnotify.Watcher, before []string) (dirs []string) {
	w.mu.Lock()
	for _, file := range w.files {
		dir := filepath.Dir(file)
		dirs = append(dirs, dir, filepath.Dir(dir))
	}
	w.mu.Unlock()
	for _, dir := range before {
		if !slices.Contains(dirs, dir) {
			_ = watcher.Remove(dir) // it may be gone
		}
	}
	for _, dir := range dirs {
		_ = watcher.Add(dir) // it may not be there: the one above it tells when it is
	}
	return dirs
}

// isOf reports whether a path is one of the files.
func (w *Watcher) isOf(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.files, path)
}

// Files lists the files of folders, for a watcher.
func Files(folders []string) (files []string) {
	for _, folder := range folders {
		files = append(files, filePath(folder))
	}
	return files
}
