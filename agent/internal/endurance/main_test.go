package endurance

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// agentPath is the program under test.
var agentPath string

func TestMain(m *testing.M) {
	if os.Getenv(countedAgent) != "" {
		os.Exit(serveCounted())
	}
	flag.Parse()
	goleak.VerifyTestMain(runner(func() int { return run(m) }))
}

// runner is what goleak runs.
type runner func() int

func (r runner) Run() int { return r() }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "endurance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if agentPath, err = build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	if err := counted.print(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// build makes the program as it is released: dozens of processes with the race
// detector would need gigabytes.
func build(dir string) (path string, err error) {
	path = filepath.Join(dir, "codestream-agent")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../../cmd/codestream-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the agent does not build: %w\n%s", err, output)
	}
	return path, nil
}
