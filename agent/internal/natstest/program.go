package natstest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// program returns the path of nats-server: that of $NATSTEST_SERVER, or else one that
// lies in Go's build cache.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("NATSTEST_SERVER"); path != "" {
		return path, nil
	}
	dir, err := data()
	if err != nil {
		return "", err
	}
	var problems bytes.Buffer
	cmd := exec.Command("go", "tool", "-n", "nats-server")
	cmd.Dir, cmd.Stderr = dir, &problems
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("nats-server does not build: %w\n%s", err, problems.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
})

// data returns the directory testdata/nats of the module that the working
// directory is in.
func data() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "testdata", "nats"), nil
}
