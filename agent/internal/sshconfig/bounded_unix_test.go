//go:build !windows

package sshconfig

import (
	"os/exec"
	"testing"
)

// The output of a program comes by io.Copy, which looks for shorter ways than Write.
func TestTheOutputOfAProgramIsBounded(t *testing.T) {
	var out bounded
	cmd := exec.Command("head", "-c", "20000000", "/dev/zero")
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if n := len(out.Bytes()); n != maxOutput {
		t.Errorf("%d bytes were kept, want %d", n, maxOutput)
	}
}
