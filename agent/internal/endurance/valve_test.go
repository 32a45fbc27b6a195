//go:build soak

package endurance

import (
	"io"
	"sync"
)

// A valve is a reader that can be shut, as an editor that hangs is.
type valve struct {
	reader io.Reader

	mu     sync.Mutex    // guards opened
	opened chan struct{} // closed while the valve is open
}

func newValve(r io.Reader) *valve {
	v := &valve{reader: r, opened: make(chan struct{})}
	close(v.opened)
	return v
}

func (v *valve) Read(p []byte) (int, error) {
	v.mu.Lock()
	opened := v.opened
	v.mu.Unlock()
	<-opened
	return v.reader.Read(p)
}

// shut lets a read that is under way end, and no other begin.
func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.opened = make(chan struct{})
}

// open may be called more than once.
func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.opened:
	default:
		close(v.opened)
	}
}
