package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain checks that no goroutine outlives the tests, but for the one with which
// lumberjack removes old files: it has no end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun"))
}

// try runs the program with no editor at its stdin.
func try(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, strings.NewReader(""), &out, &err)
	return status, out.String(), err.String()
}

func TestTheVersionIsPrinted(t *testing.T) {
	version = "1.2.3"
	defer func() { version = "" }()
	for _, flag := range []string{"-version", "--version"} {
		if status, stdout, stderr := try(flag); status != 0 || stdout != "codestream-agent 1.2.3\n" || stderr != "" {
			t.Errorf("%s: status %d, stdout %q, stderr %q", flag, status, stdout, stderr)
		}
	}
	version = ""
	if _, stdout, _ := try("-version"); len(strings.Fields(stdout)) != 2 {
		t.Errorf("a build that is no release says %q", stdout)
	}
}

// stdout is the protocol's: whatever goes wrong on the command line goes to
// stderr.
func TestACommandLineThatMakesNoSense(t *testing.T) {
	t.Setenv("CODESTREAM_DATA_DIR", t.TempDir())
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown flag":         {[]string{"--port=80"}, "-port"},
		"an argument":             {[]string{"--stdio", "serve"}, `"serve"`},
		"a process that is none":  {[]string{"-clientProcessId", "me"}, "clientProcessId"},
		"help":                    {[]string{"-stdio", "-help"}, "-clientProcessId ID"},
		"a value for a plain one": {[]string{"-verbose=perhaps"}, "verbose"},
	} {
		status, stdout, stderr := try(c.args...)
		if status == 1 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: status %d, stdout %q, stderr %q; want %q in it", name, status, stdout, stderr, c.want)
		}
	}
}

func TestAKeyringSettingThatIsNone(t *testing.T) {
	t.Setenv("CODESTREAM_DATA_DIR", t.TempDir())
	for value, want := range map[string]int{"": 1, "system": 1, "off": 1, "on": 2} { // 1: without shutdown
		t.Setenv("CODESTREAM_KEYRING", value)
		status, stdout, stderr := try()
		if status != want || stdout != "" || want == 2 && !strings.Contains(stderr, "CODESTREAM_KEYRING") {
			t.Errorf("%q: status %d, stdout %q, stderr %q; want status %d", value, status, stdout, stderr, want)
		}
	}
}

func TestWithoutAnEditorTheProgramEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	t.Setenv("CODESTREAM_DATA_DIR", dir)
	for _, args := range [][]string{nil, {"--stdio"}, {"-stdio", "-verbose"}} {
		if status, stdout, _ := try(args...); status != 1 || stdout != "" {
			t.Errorf("%q: status %d, stdout %q; want status 1, as without shutdown", args, status, stdout)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the data directory was made, though nothing was to be kept")
	}
}
