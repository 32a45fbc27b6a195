package watch_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/watch"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a wait for what has to happen.
const patience = 20 * time.Second

// watcher watches paths until the test ends, and reads the file each time it is told
// of a change.
type watcher struct {
	t *testing.T
	*watch.Watcher
	file string
	seen chan string // what is in the file, "" where there is none
}

func watching(t *testing.T, file string, others ...string) *watcher {
	t.Helper()
	w := &watcher{t, watch.New(), file, make(chan string, 1000)}
	w.Watch(append(others, file)...)
	run(t, w.Watcher, func() bool {
		text, _ := os.ReadFile(file)
		w.seen <- string(text)
		return true
	})
	return w
}

func run(t *testing.T, w *watch.Watcher, changed func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx, changed) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// sees waits until a change has been told after which the file was so.
func (w *watcher) sees(text, after string) {
	w.t.Helper()
	for late := time.After(patience); ; {
		select {
		case seen := <-w.seen:
			if seen == text {
				return
			}
		case <-late:
			w.t.Fatalf("after %s, a change to %q was not told", after, text)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, []byte(text), 0o644))
}

// replace puts a file in another's place as a whole, as most editors do.
func replace(t *testing.T, file, text string) {
	t.Helper()
	write(t, file+".new", text)
	must(t, os.Rename(file+".new", file))
}

func TestEachWayToChangeAFileIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "folder", ".codestream", "gitlab.json")
	write(t, file, "first")
	w := watching(t, file)
	w.sees("first", "the beginning")
	write(t, file, "second")
	w.sees("second", "a write")
	replace(t, file, "third")
	w.sees("third", "a file put in its place")
	write(t, file, "fourth")
	w.sees("fourth", "a write to that one")
	must(t, os.Remove(file))
	w.sees("", "its removal")
	write(t, file, "fifth")
	w.sees("fifth", "a new one")
}

func TestAFileThatAppearsLaterIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a", "b", "c", "gitlab.json")
	w := watching(t, file)
	w.sees("", "the beginning")
	for range 3 {
		write(t, file, "there") // with all its folders at once
		w.sees("there", "its appearance")
		write(t, file, "edited")
		w.sees("edited", "an edit of it")
		must(t, os.RemoveAll(filepath.Dir(filepath.Dir(filepath.Dir(file)))))
		w.sees("", "its removal, with its folders")
	}
	for dir := range 3 { // one after another
		must(t, os.MkdirAll(filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(file))), filepath.Join([]string{"b", "c"}[:dir]...)), 0o755))
		w.sees("", "a folder")
	}
	write(t, file, "there")
	w.sees("there", "its appearance")
}

// A clone is moved away, and another takes its place.
func TestAFolderThatIsReplacedIsWatchedAnew(t *testing.T) {
	base := t.TempDir()
	folder := filepath.Join(base, "clone", ".codestream")
	file := filepath.Join(folder, "gitlab.json")
	write(t, file, "first")
	w := watching(t, file, folder)
	w.sees("first", "the beginning")

	must(t, os.Rename(folder, folder+".old"))
	w.sees("", "its folder was moved away")
	write(t, file, "second")
	w.sees("second", "another took its place")
	write(t, file, "third")
	w.sees("third", "an edit there")

	must(t, os.Rename(filepath.Join(base, "clone"), filepath.Join(base, "old")))
	write(t, file, "fourth")
	w.sees("fourth", "the folder above was replaced")
	write(t, file, "fifth")
	w.sees("fifth", "an edit there")
}

func TestOtherPathsTakeThePlaceOfThoseBefore(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "one", "file"), filepath.Join(dir, "two", "file")
	write(t, file, "first")
	w := watching(t, file)
	w.sees("first", "the beginning")
	w.Watch(other, file)
	w.sees("first", "other paths were set")
	write(t, other, "there")
	w.sees("first", "a change of the other")
	w.Watch(file)
	w.sees("first", "it was taken out")
	write(t, file, "second")
	w.sees("second", "a change")
}

func TestAChangeThatCouldNotBeSeenIsToldAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	w := watch.New()
	w.Watch(file)
	looked := make(chan bool, 100)
	failures := 1
	run(t, w, func() bool {
		failures--
		looked <- failures < 0
		return failures < 0
	})
	for _, want := range []bool{false, true} {
		select {
		case got := <-looked:
			if got != want {
				t.Fatalf("a look was %v, want first one that fails, and another", got)
			}
		case <-time.After(patience):
			t.Fatal("what could not be seen is not told again")
		}
	}
}
