//go:build network

package acceptance

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startServer starts a server of the Debian package of its name, and waits until it
// writes a line with the words of one that is ready. It ends with the test.
func startServer(t *testing.T, name, ready string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name // which is not in everybody's PATH
	}
	cmd := exec.Command(path, args...)
	output, input, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = input, input
	err = cmd.Start()
	input.Close()
	if err != nil {
		output.Close()
		t.Fatalf("these tests need %s, of the Debian package of that name: %v", name, err)
	}
	var said bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(output, &said))
	isReady := false
	defer time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }).Stop()
	for !isReady && lines.Scan() {
		isReady = strings.Contains(lines.Text(), ready)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		defer output.Close()
		for lines.Scan() { // or it could not go on
		}
	}()
	t.Cleanup(func() {
		defer time.AfterFunc(farewell, func() { _ = cmd.Process.Kill() }).Stop()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, &said)
		}
	})
	if !isReady {
		t.Fatalf("%s takes no connections", name)
	}
}

// publicDir is a folder of the test's into which every user can look.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for at := dir; strings.HasPrefix(at, os.TempDir()+string(os.PathSeparator)); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
