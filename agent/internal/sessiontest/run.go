package sessiontest

import (
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// update rewrites the scripts. It exists in test programs only.
var update = updateFlag()

func updateFlag() *bool {
	if !testing.Testing() {
		return new(bool)
	}
	return flag.Bool("update", false, "rewrite what the session scripts expect to what was received")
}

// timeoutVariable is the environment variable that says, in Go's form, how long a
// step may take. Default: 10s.
const timeoutVariable = "SESSIONTEST_TIMEOUT"

func stepTimeout(t testing.TB) time.Duration {
	value, ok := os.LookupEnv(timeoutVariable)
	if !ok {
		return 10 * time.Second
	}
	timeout, err := time.ParseDuration(value)
	if err != nil {
		t.Fatalf("%s: %v", timeoutVariable, err)
	}
	return timeout
}

// Run runs every script in a directory with every launcher, side by side, as
// subtests named SCRIPT/LAUNCHER. With the flag -update it rewrites them by what
// the first of the launchers says.
func Run(t *testing.T, dir string, launchers map[string]Launcher) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("there are no scripts in %s", dir)
	}
	names := slices.Sorted(maps.Keys(launchers))
	if *update {
		names = names[:min(1, len(names))]
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			parsed, err := readScript(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					runFile(t, file, parsed, launchers[name])
				})
			}
		})
	}
}

func runFile(t *testing.T, file string, parsed *script.Script, launcher Launcher) {
	updated, err := run(parsed, config{
		launch:  func(dataDir string, env []string) *Process { return launcher(t, dataDir, env) },
		root:    t.TempDir(),
		timeout: stepTimeout(t),
		update:  *update,
	})
	if errors.Is(err, errNoIPv6) {
		t.Skip(err)
	}
	if err != nil {
		t.Error(err)
	}
	if updated != nil {
		if err := os.WriteFile(file, updated, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// readScript reads and parses a script. The positions in its errors have the
// file's name.
func readScript(file string) (*script.Script, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parse(filepath.Base(file), data)
}

// parse reads a script. The setup and the steps after "!" are what only this
// package knows.
func parse(name string, data []byte) (*script.Script, error) {
	return script.Parse(name, data, script.Commands{
		Setup:   func(text string) error { _, err := parseSetup(text); return err },
		Outside: func(text string) error { _, err := parseOutside(text); return err },
	})
}
