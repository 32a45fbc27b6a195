//go:build !windows

package agent_test

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent"
)

// child is a process that runs until it is told to end.
func child(t *testing.T) (pid int, end func()) {
	t.Helper()
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		stdin.Close()
		cmd.Wait()
	}
	t.Cleanup(end)
	return cmd.Process.Pid, end
}

func TestTheAgentEndsWithTheProcessOfTheEditor(t *testing.T) {
	for name, begin := range map[string]func(pid int) *running{
		"of initialize": func(pid int) *running {
			return start(t, nil).initialize(map[string]any{"processId": pid})
		},
		"of the command line": func(pid int) *running {
			return start(t, func(c *agent.Config) { c.ClientProcessID = pid }).initialize(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			pid, end := child(t)
			r := begin(pid)
			r.t = t
			if ids := r.instances(); len(ids) != 0 {
				t.Errorf("the instances are %q", ids)
			}
			end()
			r.wantEnd(1)
		})
	}
}

func TestTheProgramEndsWithItsParent(t *testing.T) {
	// The shell is the editor: when it is killed, nobody waits for it, so that its
	// number is still there.
	shell := exec.Command("/bin/sh", "-c", `exec 3<&0; "$0" --clientProcessId $$ <&3 & wait`, build(t, "./cmd/codestream-agent"))
	r := spawn(t, shell).initialize(nil)
	r.instances()
	if err := shell.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.wantEnd(-1) // the status is the shell's
}

func TestTheProgramEndsWhenItIsAskedTo(t *testing.T) {
	program := build(t, "./cmd/codestream-agent")
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			cmd := exec.Command(program, "-clientProcessId", strconv.Itoa(os.Getpid()))
			r := spawn(t, cmd).initialize(nil)
			r.instances()
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			r.wantEnd(1)
		})
	}
}
