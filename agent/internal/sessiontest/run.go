package sessiontest

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// update rewrites the scripts. It exists in test programs only.
var update = updateFlag()

func updateFlag() *bool {
	if !testing.Testing() {
		return new(bool)
	}
	return flag.Bool("update", false, "rewrite what the session scripts expect to what was received")
}

// TimeoutVariable is the environment variable that says, in Go's form, how long a
// step may take. Default: 10s.
const TimeoutVariable = "SESSIONTEST_TIMEOUT"

func stepTimeout(t testing.TB) time.Duration {
	value, ok := os.LookupEnv(TimeoutVariable)
	if !ok {
		return 10 * time.Second
	}
	timeout, err := time.ParseDuration(value)
	if err != nil {
		t.Fatalf("%s: %v", TimeoutVariable, err)
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
			script, err := ReadScript(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					runFile(t, file, script, launchers[name])
				})
			}
		})
	}
}

func runFile(t *testing.T, file string, script *Script, launcher Launcher) {
	updated, err := script.run(config{
		launch:  func(dataDir string, env []string) *Process { return launcher(t, dataDir, env) },
		root:    t.TempDir(),
		timeout: stepTimeout(t),
		update:  *update,
	})
	if err != nil {
		t.Error(err)
	}
	if updated != nil {
		if err := os.WriteFile(file, updated, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// ReadScript reads and parses a script. The positions in its errors have the
// file's name.
func ReadScript(file string) (*Script, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parseNamed(filepath.Base(file), data)
}
