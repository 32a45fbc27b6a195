package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// environment sets what the program reads of it.
func environment(t *testing.T, level, file string) {
	t.Helper()
	t.Setenv("CODESTREAM_DATA_DIR", filepath.Join(t.TempDir(), "data"))
	t.Setenv("CODESTREAM_LOG_LEVEL", level)
	t.Setenv("CODESTREAM_LOG_FILE", file)
}

func TestTheLevelOfTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		args        []string
		environment string
		want        bool // is the program's first line, which is of level info, there?
	}{
		"by default":                    {nil, "", false},
		"error":                         {[]string{"-log-level", "error"}, "", false},
		"warn":                          {[]string{"-log-level=warn"}, "", false},
		"info":                          {[]string{"--log-level", "info"}, "", true},
		"debug":                         {[]string{"-log-level=debug"}, "", true},
		"verbose":                       {[]string{"-verbose"}, "", true},
		"not verbose":                   {[]string{"-verbose=false"}, "", false},
		"verbose, but":                  {[]string{"-verbose", "-log-level", "warn"}, "", false},
		"of the environment":            {nil, "info", true},
		"the command line's, if it has": {[]string{"-log-level", "warn"}, "info", false},
		"a good one, of a bad one":      {[]string{"-log-level", "info"}, "talkative", true},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.environment, "")
			status, stdout, stderr := try(c.args...)
			if status != 1 || stdout != "" || strings.Contains(stderr, "codestream-agent begins") != c.want {
				t.Errorf("status %d, stdout %q, stderr %q; want the first line: %v", status, stdout, stderr, c.want)
			}
		})
	}
}

func TestALevelThatIsNone(t *testing.T) {
	for _, level := range []string{"talkative", "DEBUG", "debug+1", "-4"} {
		environment(t, level, "")
		if status, stdout, stderr := try(); status != 2 || stdout != "" || !strings.Contains(stderr, level) || !strings.Contains(stderr, "debug") {
			t.Errorf("%s: status %d, stdout %q, stderr %q", level, status, stdout, stderr)
		}
	}
}

func TestTheFirstLineTellsWhatRunsWhere(t *testing.T) {
	environment(t, "", "")
	path := filepath.Join(t.TempDir(), "new", "logs", "agent.log")
	if status, _, stderr := try("-log-level", "info", "-log-file", path); status != 1 || !strings.Contains(stderr, "platform="+runtime.GOOS) {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	var line struct {
		Msg, Version, Go, Platform, DataDir string
		Level                               slog.Level
		PID                                 int
	}
	first, _, _ := bytes.Cut(read(t, path), []byte("\n"))
	if err := json.Unmarshal(first, &line); err != nil {
		t.Fatalf("%v: %s", err, first)
	}
	if line.Level != slog.LevelInfo || line.Version == "" || line.Go != runtime.Version() || line.PID != os.Getpid() ||
		line.Platform != runtime.GOOS+"/"+runtime.GOARCH || line.DataDir != os.Getenv("CODESTREAM_DATA_DIR") {
		t.Errorf("the first line is %s", first)
	}
}

// What cannot be a log file is said before the protocol begins, and is left as it
// is.
func TestAPathThatIsNoLogFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{"a directory": dir, "below a file": filepath.Join(file, "agent.log")}
	if runtime.GOOS != "windows" { // links need a privilege there
		paths["a link"] = filepath.Join(dir, "link")
		paths["a device"] = os.DevNull
		if err := os.Symlink(file, paths["a link"]); err != nil {
			t.Fatal(err)
		}
	}
	for name, path := range paths {
		environment(t, "", "")
		status, stdout, stderr := try("-log-file", path)
		if status != 2 || stdout != "" || !strings.Contains(stderr, path) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: status %d, stdout %q, stderr %q", name, status, stdout, stderr)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 || string(read(t, file)) != "mine" {
		t.Errorf("the file was changed: %v, %v, %q", info, err, read(t, file))
	}
}

// fill writes lines to a log, 60 KB each.
func fill(log *slog.Logger, lines int) {
	text := strings.Repeat("x", 60_000)
	for i := range lines {
		log.Warn("a line", "number", i, "text", text)
	}
}

func TestALogFileIsPutAsideWhenItHasGrown(t *testing.T) {
	dir := t.TempDir()
	log, _, file, err := newLog(new(bytes.Buffer), "warn", filepath.Join(dir, "agent.log"))
	if err != nil {
		t.Fatal(err)
	}
	fill(log, 240) // 14 MB: two are put aside
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 3 {
		t.Errorf("the files are %q, %v, want three", names, err)
	}
	for _, name := range names {
		content := read(t, name)
		if len(content) > logFileSize<<20 {
			t.Errorf("%s has %d bytes", name, len(content))
		}
		for line := range bytes.Lines(content) {
			if !json.Valid(line) {
				t.Fatalf("%s has a line that is not JSON: %.200s", name, line)
			}
		}
		if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v, want the mode 0600", name, info.Mode(), err)
		}
	}
}

// A file is for one process. Where two have it all the same, lines of it may be
// lost or garbled. That is all: both go on, and stderr has every line.
func TestALogFileOfTwo(t *testing.T) {
	dir := t.TempDir()
	stderr := new(lockedBuffer)
	var both sync.WaitGroup
	for range 2 {
		log, _, file, err := newLog(stderr, "warn", filepath.Join(dir, "agent.log"))
		if err != nil {
			t.Fatal(err)
		}
		both.Go(func() {
			defer file.Close()
			fill(log, 240)
		})
	}
	both.Wait()
	if info, err := os.Stat(filepath.Join(dir, "agent.log")); err != nil || info.Size() == 0 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if lines := strings.Count(stderr.String(), "\n"); lines != 480 {
		t.Errorf("stderr has %d lines, want all 480", lines)
	}
}

// lockedBuffer is a buffer for several writers.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string { return b.buf.String() }

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
