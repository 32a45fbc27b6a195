//go:build !windows

package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// useVariable makes a process of the test binary read and write the data directory
// that it names.
const useVariable = "STORE_TEST_USE"

func init() { helpers[useVariable] = useStore }

// useStore says how that goes.
func useStore(dir string) int {
	s := store.New(dir, store.Options{})
	_, err := tokens(s, sam)
	fmt.Println(err)
	fmt.Println(s.Update(fill))
	return 0
}

// A backup that was unpacked, or a wrong umask, leaves files that everybody can
// read.
func TestAccessThatIsTooWideIsNarrowed(t *testing.T) {
	for name, mode := range map[string]fs.FileMode{"open": 0o755, "group": 0o770} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			unlock, err := s.LockAccount(t.Context(), sam)
			if err != nil {
				t.Fatal(err)
			}
			unlock()
			chmodAll(t, s.Dir(), mode)
			s = another(s)
			if _, err := tokens(s, sam); err != nil {
				t.Fatal(err)
			}
			write(t, s)
			wantModes(t, s.Dir())
		})
	}
}

// chmodAll gives all below a directory the same mode, from below.
func chmodAll(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	for i := len(paths) - 1; i >= 0; i-- {
		err = errors.Join(err, os.Chmod(paths[i], mode))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unsafe checks that the store refuses to be used, changes nothing, and names
// the file.
func unsafe(t *testing.T, s *store.Store, path, problem string) {
	t.Helper()
	for range 2 {
		for _, err := range []error{readAll(s), s.Update(fill)} {
			known := damaged(t, err)
			if known.Details.File != path || !strings.Contains(known.Message, problem) || known.Hint == "" {
				t.Errorf("the error is %q about %q, want one about %q that says %q", known.Message, known.Details.File, path, problem)
			}
		}
	}
}

func TestADirectoryThatOthersShareIsRefused(t *testing.T) {
	for name, mode := range map[string]fs.FileMode{
		"sticky, as a directory for temporary files": 0o777 | fs.ModeSticky, "sticky, but ours": 0o700 | fs.ModeSticky, "everybody's": 0o777,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
			unsafe(t, store.New(dir, store.Options{}), dir, "everybody may write")
			if info, err := os.Stat(dir); err != nil || info.Mode() != mode|fs.ModeDir {
				t.Errorf("the mode is now %v, %v", info.Mode(), err)
			}
		})
	}
}

// The home directory, for example, has other uses than ours.
func TestADirectoryWithALifeOfItsOwnIsNotShut(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "index.html"), nil, 0o644), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	unsafe(t, store.New(dir, store.Options{}), dir, "has other files")
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := store.New(dir, store.Options{})
	update(t, s, fill)
	wantSecrets(t, s)
	if info, err := os.Stat(filepath.Join(dir, "index.html")); err != nil || info.Mode() != 0o644 {
		t.Errorf("a file that is not ours: %v, %v", info, err)
	}
}

// A link in the place of a file would have us read or write another's.
func TestLinksAreRefused(t *testing.T) {
	for _, name := range []string{databaseFile, "key", "locks", databaseFile + ".mend"} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			path := filepath.Join(s.Dir(), name)
			if name == "key" {
				path = keyFile(t, s)
			}
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			os.Rename(path, elsewhere) // where it is there
			if err := os.Symlink(elsewhere, path); err != nil {
				t.Fatal(err)
			}
			unsafe(t, another(s), path, "symbolic link")
			if name == databaseFile { // put there after the first look
				unsafe(t, s, path, "symbolic link")
			}
		})
	}
	s := filled(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(s.Dir(), link); err != nil {
		t.Fatal(err)
	}
	chmodAll(t, s.Dir(), 0o755)
	wantSecrets(t, store.New(link, store.Options{})) // the user's own choice
	wantModes(t, s.Dir())
}

// A named pipe never answers whoever opens it.
func TestAPipeIsNotWaitedFor(t *testing.T) {
	s := filled(t)
	key, database := keyFile(t, s), filepath.Join(s.Dir(), databaseFile)
	for _, path := range []string{key, database} {
		if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		if path == key {
			if _, err := tokens(another(s), sam); err == nil {
				t.Error("a pipe was taken for a key")
			}
		}
	}
	damaged(t, readAll(another(s)))
	update(t, s, fill)
	wantSecrets(t, s)
}

// Root may change everything and everybody's, so another user tries.
func TestAnotherUsersDirectoryIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can have files that belong to others")
	}
	s := filled(t)
	for _, path := range []string{s.Dir(), keyFile(t, s)} {
		if err := os.Chown(path, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		unsafe(t, another(s), path, "another user")
		if err := os.Chown(path, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	wantSecrets(t, s)

	// Root's directory, for a process that is not root's.
	if out := useAsNobody(t, 0); strings.Count(out, "another user") != 2 {
		t.Errorf("the other user's process says %q", out)
	}
}

// Who has made the directory read-only meant it: what is there can be read, and
// nothing can be written. Root may write in any, so another user tries.
func TestAReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can have another user try")
	}
	out := useAsNobody(t, 65534)
	if !strings.HasPrefix(out, "<nil>\nStoreDamaged: the store in ") || !strings.Contains(out, "permission denied") || strings.Count(out, "\n") != 2 {
		t.Errorf("a store that can only be read says %q", out)
	}
}

// useAsNobody has a user with no rights use a filled store that is read-only and
// belongs to the owner, and returns what became of reading and of writing.
func useAsNobody(t *testing.T, owner int) string {
	t.Helper()
	shared, err := os.MkdirTemp("", "store-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(shared) })
	dir := filepath.Join(shared, "data")
	update(t, store.New(dir, store.Options{}), fill)
	chmodAll(t, dir, 0o555)
	program := filepath.Join(shared, "test")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err == nil {
		err = errors.Join(os.WriteFile(program, content, 0o755), os.Chmod(shared, 0o755))
	}
	if err == nil {
		err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chown(path, owner, owner))
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), useVariable+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func wantModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = fs.ModeDir | 0o700
		}
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", path, info.Mode(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	s := filled(t)
	unlock, err := s.LockAccount(t.Context(), sam)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	wantModes(t, s.Dir())
}
