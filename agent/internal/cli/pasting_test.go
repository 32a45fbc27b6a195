package cli_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
)

// runPasting runs a command. It opens the first address that the command prints on
// stderr, and types the one at which the browser is sent back.
func runPasting(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout = os.Stdout
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(stderr)
	var address string
	for address == "" && lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "http") {
			address = line
		}
	}
	if address == "" {
		return errors.Join(errors.New("no address was printed"), cmd.Wait())
	}
	callback, err := browser().ApproveUntilCallback(ctx, address)
	if err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	_, err = io.WriteString(stdin, "not an address\n"+callback+"\n")
	for lines.Scan() { // to its end, or the command could not go on
		os.Stderr.WriteString(lines.Text() + "\n")
	}
	return errors.Join(err, cmd.Wait())
}
