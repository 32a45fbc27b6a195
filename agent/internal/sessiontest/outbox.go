package sessiontest

import (
	"io"
	"sync"
)

// An outbox writes to the agent in order, without ever making its users wait: an
// editor that waited to write while the agent waits to write would hang.
type outbox struct {
	w       io.Writer
	wake    chan struct{} // has one slot
	written chan struct{} // closed when nothing more will be written

	// mu guards all that follows.
	mu     sync.Mutex
	queue  [][]byte
	closed bool
	err    error
}

func newOutbox(w io.Writer) *outbox {
	o := &outbox{w: w, wake: make(chan struct{}, 1), written: make(chan struct{})}
	go o.run()
	return o
}

// put queues bytes. It returns the error that ended the writing, if one has.
func (o *outbox) put(b []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed && o.err == nil {
		return io.ErrClosedPipe
	}
	if o.err == nil {
		o.queue = append(o.queue, b)
		o.signal()
	}
	return o.err
}

// close closes the writer after what is queued.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) run() {
	defer close(o.written)
	for range o.wake {
		o.mu.Lock()
		queue, closed := o.queue, o.closed
		o.queue = nil
		o.mu.Unlock()
		for _, b := range queue {
			if _, err := o.w.Write(b); err != nil {
				o.mu.Lock()
				o.err = err
				o.mu.Unlock()
				closed = true
				break
			}
		}
		if closed {
			if c, ok := o.w.(io.Closer); ok {
				_ = c.Close()
			}
			return
		}
	}
}
