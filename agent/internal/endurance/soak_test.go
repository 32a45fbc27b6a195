//go:build soak

package endurance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
)

func TestSoakAThousandKills(t *testing.T) { killAgents(t, 1000) }

// bounds are what a case may make of an agent.
type bounds struct {
	memory     int64 // resident at the most, in bytes
	goroutines int   // at the most
}

// measure runs a case twice: with the real program, whose memory is measured,
// and with the agent that counts its goroutines. start starts one of them.
func measure(t *testing.T, most bounds, run func(t *testing.T, start launcher)) {
	t.Run("memory", func(t *testing.T) {
		var agent *window
		run(t, func(t *testing.T, dir string, read reading) *window {
			agent = open(t, sessiontest.Binary(agentPath)(t, dir, nil), read)
			return agent
		})
		peak, err := memory(agent, "VmHWM")
		if errors.Is(err, errNotMeasured) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("peak memory: %d MiB", mebibytes(peak))
		counted.add(func(f *figures) { f.memory = max(f.memory, peak) })
		if peak > most.memory {
			t.Errorf("the agent had %d MiB, want %d at the most", mebibytes(peak), mebibytes(most.memory))
		}
	})
	t.Run("goroutines", func(t *testing.T) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		var agent *window
		run(t, func(t *testing.T, dir string, read reading) *window {
			agent = open(t, sessiontest.Binary(self)(t, dir, []string{countedAgent + "=yes"}), read)
			return agent
		})
		peak, err := peakGoroutines(agent)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("peak goroutines: %d", peak)
		counted.add(func(f *figures) { f.goroutines = max(f.goroutines, peak) })
		if peak > most.goroutines {
			t.Errorf("the agent had %d goroutines, want %d at the most", peak, most.goroutines)
		}
	})
}

// A launcher starts the agent that is measured. Its editor reads as read says.
type launcher func(t *testing.T, dir string, read reading) *window

// reading is how an editor reads; nil is at once.
type reading func(*sessiontest.Process) *valve

func open(t *testing.T, process *sessiontest.Process, read reading) *window {
	if read == nil {
		return connect(t, process, process.Stdout)
	}
	v := read(process)
	w := connect(t, process, v)
	t.Cleanup(v.open) // or the editor never ends
	return w
}

// errNotMeasured says that the operating system does not tell.
var errNotMeasured = errors.New("only Linux tells a process's memory in /proc")

// memory returns a field of /proc/PID/status in bytes: VmHWM is the most that
// was resident, VmRSS what is (proc_pid_status(5)).
func memory(w *window, field string) (bytes int64, err error) {
	if runtime.GOOS != "linux" {
		return 0, errNotMeasured
	}
	status, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(w.PID), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		var kibibytes int64
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			_, err := fmt.Sscanf(rest, "%d kB", &kibibytes)
			return kibibytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", w.PID, field)
}

// peakGoroutines returns the most that the counting agent has told of.
func peakGoroutines(w *window) (peak int, err error) {
	for line := range strings.Lines(w.Stderr()) {
		if n := 0; matches(line, &n) {
			peak = n
		}
	}
	if peak == 0 {
		return 0, errors.New("the agent has counted no goroutines")
	}
	return peak, nil
}

func matches(line string, n *int) bool {
	_, err := fmt.Sscanf(line, goroutinesLine, n)
	return err == nil
}

// A follower goes through the responses that come, each once and in order, which
// [sessiontest.Editor.Response] would search again for each of thousands.
type follower struct {
	window *window
	next   int
}

func (f *follower) response(ctx context.Context) (*sessiontest.Message, error) {
	for {
		m, err := f.window.At(ctx, f.next)
		if err != nil {
			return nil, err
		}
		f.next++
		if m.IsResponse() {
			return m, nil
		}
	}
}
