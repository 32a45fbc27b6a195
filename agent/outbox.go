package agent

import (
	"context"
	"errors"
	"io"
	"sync"
)

const (
	// outboxRoom is how many bytes may wait for an editor that does not read. Beyond
	// that, whoever has an answer for it waits too, and what is no answer is left
	// unsaid.
	outboxRoom = 16 << 20

	// outboxLimit is how many may wait at the most. Only refusals take them there,
	// of an editor that goes on to send without ever reading: the session ends.
	outboxLimit = 4 * outboxRoom
)

var errOutboxClosed = errors.New("agent: the session has ended")

// outbox holds the frames that the editor has not read yet. To put one never
// waits, so that an editor which does not read holds up nobody: neither the
// goroutine that reads from it, nor whoever holds a lock that other windows need.
type outbox struct {
	out  io.Writer
	lost func(error) // is told once that nothing can be written any more

	turn chan struct{} // held by the one answer that waits for room
	wake chan struct{} // says to the writer that there is something
	done chan struct{} // closed when the writer has ended

	mu      sync.Mutex    // guards what follows
	waiting []byte        // whole frames, in order
	writing int           // the bytes that the writer has taken
	err     error         // why nothing can be put any more
	closed  bool          // no more is to be written than there is
	room    chan struct{} // closed, and made anew, when there may be room
}

// newOutbox makes an outbox that writes to out on a goroutine of its own, until
// it is closed and empty.
func newOutbox(out io.Writer, lost func(error)) *outbox {
	o := &outbox{
		out: out, lost: lost,
		turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), done: make(chan struct{}),
		room: make(chan struct{}),
	}
	go o.write()
	return o
}

// put adds a frame. It returns an error where nobody will ever read it.
func (o *outbox) put(frame []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil || o.closed {
		return o.err
	}
	o.waiting = append(o.waiting, frame...)
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return nil
}

// isFull reports whether the editor has left too much unread. What is being
// written does not count: one large answer is no sign of that.
func (o *outbox) isFull() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err == nil && len(o.waiting) > outboxRoom
}

// hasRoom reports whether another answer has room. It also returns a channel that
// is closed when that may have changed.
func (o *outbox) hasRoom() (room bool, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err != nil || len(o.waiting)+o.writing <= outboxRoom, o.room
}

// answerAtOnce runs send, which puts a short answer, without waiting for room: it
// is called on the goroutine that reads from the editor, which has to hear of its
// end whether it reads or not.
func (o *outbox) answerAtOnce(send func() error) error {
	o.mu.Lock()
	over := o.err == nil && len(o.waiting)+o.writing > outboxLimit
	if over {
		o.err = errNotReading
	}
	o.mu.Unlock()
	if over {
		o.lost(errNotReading)
	}
	return send()
}

// answer runs send, which puts one answer, once there is room for it. Answers
// wait for their turn, so that no more than one goes beyond the room. It returns
// ctx's error where that comes first.
func (o *outbox) answer(ctx context.Context, send func() error) error {
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-o.turn }()
	for {
		room, changed := o.hasRoom()
		if room {
			return send()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// close takes no more frames, and waits until those that there are have been
// written, or until ctx ends.
func (o *outbox) close(ctx context.Context) error {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		if o.err == nil {
			o.err = errOutboxClosed
		}
		close(o.wake)
		o.change()
	}
	o.mu.Unlock()
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *outbox) write() {
	defer close(o.done)
	for range o.wake {
		for frames := o.take(); len(frames) > 0; frames = o.take() {
			_, err := o.out.Write(frames)
			o.wrote(err)
		}
	}
}

// take hands all that waits to the writer.
func (o *outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	frames := o.waiting
	o.waiting, o.writing = nil, len(frames)
	return frames
}

func (o *outbox) wrote(err error) {
	o.mu.Lock()
	o.writing = 0
	first := err != nil && o.err == nil
	if err != nil {
		o.waiting = nil
		if o.err == nil {
			o.err = err
		}
	}
	o.change()
	o.mu.Unlock()
	if first {
		o.lost(err)
	}
}

// change wakes those who wait for room. The caller holds o.mu.
func (o *outbox) change() {
	close(o.room)
	o.room = make(chan struct{})
}
