package watch

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
)

// places are the folders that the operating system watches: those in which the paths
// are, or the nearest that is there. One folder tells more than the file in it, which
// most editors replace.
type places struct {
	system *fsnotify.Watcher                 // nil: there are no watches left
	stat   func(string) (fs.FileInfo, error) // follows links, as the system does

	watched map[string]fs.FileInfo // which folder it is
	names   map[string]bool        // of what is looked for in them
}

// signals returns the channels of the operating system's watches, nil where there
// are none.
func (p *places) signals() (chan fsnotify.Event, chan error) {
	if p.system == nil {
		return nil, nil
	}
	return p.system.Events, p.system.Errors
}

// concerns reports whether an event may be of a path. Names are compared, not paths:
// a folder that is reached in two ways has its events under one of them.
func (p *places) concerns(event fsnotify.Event) bool {
	if _, is := p.watched[event.Name]; is && event.Has(fsnotify.Remove|fsnotify.Rename|fsnotify.Chmod) {
		return true
	}
	return p.names[filepath.Base(event.Name)]
}

// cover has the paths watched, and reports whether all are. It is called before
// anybody looks at them: so whatever changes afterwards is told.
func (p *places) cover(paths []string, looks *work.Patience[place]) bool {
	covered, fresh := p.renew(paths, looks)
	if fresh { // and what was made in a new place before it was watched?
		covered, fresh = p.renew(paths, looks)
	}
	return covered && !fresh
}

// renew watches the places where the paths are by now. fresh is true where one was
// not watched before.
func (p *places) renew(paths []string, looks *work.Patience[place]) (covered, fresh bool) {
	now, covered := p.find(paths, looks)
	if p.system == nil {
		return false, false
	}
	for dir, before := range p.watched {
		info, still := now[dir]
		if still && !os.SameFile(before, info) || !still && covered { // else it may be the one that does not answer
			_ = p.system.Remove(dir) // it may be gone
			delete(p.watched, dir)
		}
	}
	for dir, info := range now {
		if p.system.Add(dir) != nil { // it went, or there are no watches left
			covered = false
			continue
		}
		_, before := p.watched[dir]
		fresh = fresh || !before
		p.watched[dir] = info
	}
	return covered, fresh
}

// find returns the folder for each path. One that does not answer is left out, since
// the operating system would hang too, and all that it watches with it; all is then
// false.
func (p *places) find(paths []string, looks *work.Patience[place]) (found map[string]fs.FileInfo, all bool) {
	if p.watched == nil {
		p.watched = make(map[string]fs.FileInfo)
	}
	found, all, p.names = make(map[string]fs.FileInfo), true, make(map[string]bool)
	var mu sync.Mutex // guards what is above
	var asked sync.WaitGroup
	for _, path := range paths {
		asked.Go(func() {
			at, answered := looks.Do(path, func() place { return p.nearest(path) })
			mu.Lock()
			defer mu.Unlock()
			if all = all && answered && at.info != nil; answered && at.info != nil {
				found[at.dir], p.names[at.name] = at.info, true
			}
		})
	}
	asked.Wait()
	return found, all
}

// place is a folder, and what is looked for in it.
type place struct {
	dir  string
	info fs.FileInfo // nil: not even the file system's root tells what it is
	name string
}

// nearest returns the nearest folder above a path that is there.
func (p *places) nearest(path string) place {
	for dir, name := filepath.Dir(path), filepath.Base(path); ; dir, name = filepath.Dir(dir), filepath.Base(dir) {
		info, err := p.stat(dir)
		if err == nil && info.IsDir() {
			return place{dir, info, name}
		}
		if dir == filepath.Dir(dir) {
			return place{dir: dir, name: name}
		}
	}
}
