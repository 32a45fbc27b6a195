package watch

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// The operating system's watches can be used up, by an editor for example.
func TestWithoutWatchesThereIsALookFromTimeToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := New()
		began := time.Now()
		looks := 0
		w.run(ctx, &places{stat: os.Stat}, func() bool {
			if looks++; looks == 3 {
				cancel()
			}
			return true
		})
		if took := time.Since(began); looks != 3 || took != 2*pollInterval {
			t.Errorf("%d looks in %v, want one at once and two after %v each", looks, took, pollInterval)
		}
	})
}

func system(t *testing.T) *fsnotify.Watcher {
	t.Helper()
	s, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A folder on a machine that is gone holds up nothing: the others are watched, and it
// is too once it answers.
func TestAFolderThatHangsHoldsUpNothing(t *testing.T) {
	dir := t.TempDir()
	hanging, file := filepath.Join(dir, "hanging"), filepath.Join(dir, "file")
	if err := os.Mkdir(hanging, 0o755); err != nil {
		t.Fatal(err)
	}
	watches := system(t)
	synctest.Test(t, func(t *testing.T) { // whose time stands still while anything is done
		release := make(chan struct{})
		p := &places{system: watches, stat: func(path string) (fs.FileInfo, error) {
			if path == hanging {
				<-release
			}
			return os.Stat(path)
		}}
		w := New()
		paths := []string{filepath.Join(hanging, "gitlab.json"), file}
		began := time.Now()
		if p.cover(paths, &w.looks) || time.Since(began) != patience {
			t.Errorf("all is watched after %v, though one folder hangs", time.Since(began))
		}
		if _, is := p.watched[dir]; !is || len(p.watched) != 1 {
			t.Errorf("%v is watched, want only what does not hang", p.watched)
		}
		if p.cover(paths, &w.looks) || time.Since(began) != patience {
			t.Errorf("it was waited for again, until %v", time.Since(began))
		}
		close(release)
		synctest.Wait()
		if !p.cover(paths, &w.looks) || len(p.watched) != 2 {
			t.Errorf("%v is watched, want both folders now", p.watched)
		}
	})
}

func TestAPlaceThatCannotBeWatchedIsNotCovered(t *testing.T) {
	s := system(t)
	s.Close() // it takes no more
	p := &places{system: s, stat: os.Stat}
	w := New()
	if p.cover([]string{filepath.Join(t.TempDir(), "file")}, &w.looks) {
		t.Error("it says that it is watched")
	}
	p = &places{system: system(t), stat: func(string) (fs.FileInfo, error) { return nil, errors.New("no") }}
	if p.cover([]string{filepath.Join(t.TempDir(), "file")}, &w.looks) {
		t.Error("what cannot be looked at is said to be watched")
	}
}

// A folder is made just when it was seen that it is not there, and before the one
// above it is watched.
func TestAFolderMadeMeanwhileIsWatched(t *testing.T) {
	folder := filepath.Join(t.TempDir(), ".codestream")
	made := false
	p := &places{system: system(t), stat: func(path string) (fs.FileInfo, error) {
		info, err := os.Stat(path)
		if path == folder && !made {
			made = os.Mkdir(folder, 0o755) == nil
		}
		return info, err
	}}
	w := New()
	covered := p.cover([]string{filepath.Join(folder, "gitlab.json")}, &w.looks)
	if _, is := p.watched[folder]; !is || covered { // or more was made in it
		t.Errorf("%v is watched, want the folder; covered is %v, want another look", p.watched, covered)
	}
}

func TestWhatElseIsInAFolderIsNoChange(t *testing.T) {
	dir := t.TempDir()
	p := &places{system: system(t), stat: os.Stat}
	w := New()
	if !p.cover([]string{filepath.Join(dir, "gitlab.json"), filepath.Join(dir, "none", "below", "file")}, &w.looks) {
		t.Fatal("it is not watched")
	}
	for _, c := range []struct {
		name     string
		op       fsnotify.Op
		concerns bool
	}{
		{"gitlab.json", fsnotify.Write, true},
		{"gitlab.json", fsnotify.Remove, true},
		{"gitlab.json", fsnotify.Chmod, true}, // it may be readable now
		{"none", fsnotify.Create, true},
		{"below", fsnotify.Create, false},
		{"gitlab.json.new", fsnotify.Write, false},
		{".", fsnotify.Remove, true},
		{".", fsnotify.Rename, true},
		{".", fsnotify.Chmod, true},
		{".", fsnotify.Write, false},
	} {
		if p.concerns(fsnotify.Event{Name: filepath.Join(dir, c.name), Op: c.op}) != c.concerns {
			t.Errorf("%s of %s: want it to concern: %v", c.op, c.name, c.concerns)
		}
	}
	// A link of a repository's may lead to a folder that is watched already, whose
	// events then have its name.
	if !p.concerns(fsnotify.Event{Name: filepath.Join(dir, "link", "gitlab.json"), Op: fsnotify.Write}) {
		t.Error("an event under another path is missed")
	}
}
