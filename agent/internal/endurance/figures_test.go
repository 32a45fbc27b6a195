package endurance

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
)

// figuresFile is for make soak, whose last lines are the figures.
var figuresFile = flag.String("figures", "", "write the figures to this `file` too")

// counted is what all tests together have counted.
var counted figures

// figures are the sums, and the highest of what was measured.
type figures struct {
	mu           sync.Mutex // guards what follows
	kills        int
	underWay     int // of the kills: in the middle of an operation
	acknowledged int
	lost         int
	memory       int64 // in bytes; 0: not measured
	goroutines   int   // 0: not measured
}

func (f *figures) add(change func(*figures)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// print writes the figures of what was counted at all.
func (f *figures) print() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out strings.Builder
	if f.kills > 0 {
		fmt.Fprintf(&out, "kills: %d (%d in the middle of an operation)\n", f.kills, f.underWay)
		fmt.Fprintf(&out, "acknowledged changes: %d\n", f.acknowledged)
		fmt.Fprintf(&out, "lost: %d\n", f.lost)
	}
	if f.memory > 0 {
		fmt.Fprintf(&out, "peak memory: %d MiB\n", mebibytes(f.memory))
	}
	if f.goroutines > 0 {
		fmt.Fprintf(&out, "peak goroutines: %d\n", f.goroutines)
	}
	fmt.Print(out.String())
	if *figuresFile == "" {
		return nil
	}
	return os.WriteFile(*figuresFile, []byte(out.String()), 0o644)
}

// mebibytes rounds up.
func mebibytes(bytes int64) int64 { return (bytes + 1<<20 - 1) >> 20 }
