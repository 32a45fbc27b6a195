//go:build doorkeeper || browser || keyring || network

package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

// repository is the root of the sources, from here.
const repository = "../../.."

// agentPath is the program under test.
var agentPath string

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(runner(func() int { return run(m) })) }

// runner is what goleak runs.
type runner func() int

func (r runner) Run() int { return r() }

func run(m *testing.M) int {
	agentPath = os.Getenv("CODESTREAM_AGENT")
	switch {
	case agentPath == "":
		dir, err := os.MkdirTemp("", "acceptance-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if agentPath, err = build(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case !filepath.IsAbs(agentPath):
		fmt.Fprintln(os.Stderr, "CODESTREAM_AGENT is not an absolute path:", agentPath)
		return 1
	}
	return m.Run()
}

// build makes the program, with the race detector where the tests have it.
func build(dir string) (path string, err error) {
	path = filepath.Join(dir, "codestream-agent")
	args := []string{"build", "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "-race" && setting.Value == "true" {
				args = append(args, "-race")
			}
		}
	}
	cmd := exec.Command("go", append(args, "./agent/cmd/codestream-agent")...)
	cmd.Dir = repository
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the agent does not build: %w\n%s", err, output)
	}
	return path, nil
}
