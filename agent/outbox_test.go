package agent

import (
	"context"
	"errors"
	"io"
	"testing"
)

// slowWriter takes what it is given only when it is let.
type slowWriter struct{ given, let chan struct{} }

func (w slowWriter) Write(p []byte) (int, error) {
	w.given <- struct{}{}
	<-w.let
	return len(p), nil
}

// One large answer, which the editor is reading, keeps it from hearing nothing
// else; only what piles up behind it does.
func TestWhatIsBeingWrittenIsNotUnread(t *testing.T) {
	w := slowWriter{make(chan struct{}), make(chan struct{})}
	o := newOutbox(w, func(err error) { t.Errorf("it was given up: %v", err) })
	large := make([]byte, outboxRoom+1)
	put := func(frame []byte) {
		if err := o.put(frame); err != nil {
			t.Fatal(err)
		}
	}
	put(large)
	<-w.given
	if o.isFull() {
		t.Error("one answer under way fills it")
	}
	if room, _ := o.hasRoom(); room {
		t.Error("another has room beside it")
	}
	put(large)
	if !o.isFull() {
		t.Error("a second one does not")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.answer(ctx, func() error { return errors.New("sent") }); !errors.Is(err, context.Canceled) {
		t.Errorf("an answer without room: %v", err)
	}
	w.let <- struct{}{}
	<-w.given
	w.let <- struct{}{}
	if err := o.answer(t.Context(), func() error { return nil }); err != nil {
		t.Errorf("an answer when all was read: %v", err)
	}
	if err := o.close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := o.put(large); err == nil {
		t.Error("something was put after the end")
	}
}

// A pipe that the editor has closed is told once, and everybody gets an error.
func TestAnOutboxThatCannotBeWritten(t *testing.T) {
	read, write := io.Pipe()
	read.Close()
	lost := make(chan error, 2)
	o := newOutbox(write, func(err error) { lost <- err })
	if err := o.put([]byte("a frame")); err != nil {
		t.Fatal(err)
	}
	if err := <-lost; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("what is told is %v", err)
	}
	if err := o.answer(t.Context(), func() error { return o.put([]byte("another")) }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("an answer: %v", err)
	}
	if err := o.close(t.Context()); err != nil || len(lost) > 0 {
		t.Errorf("the end: %v, told again: %v", err, len(lost) > 0)
	}
}

// Refusals do not wait, but there is an end to them.
func TestAnEditorThatOnlySendsIsGivenUp(t *testing.T) {
	w := slowWriter{make(chan struct{}), make(chan struct{})}
	lost := make(chan error, 2)
	o := newOutbox(w, func(err error) { lost <- err })
	refusal := make([]byte, 1<<20)
	var err error
	sent := 0
	for ; err == nil && sent < 2*outboxLimit; sent += len(refusal) {
		if sent == len(refusal) {
			<-w.given
		}
		err = o.answerAtOnce(func() error { return o.put(refusal) })
	}
	if !errors.Is(err, errNotReading) || sent <= outboxLimit {
		t.Errorf("after %d bytes: %v", sent, err)
	}
	if err := <-lost; !errors.Is(err, errNotReading) || len(lost) > 0 {
		t.Errorf("what is told is %v", err)
	}
	w.let <- struct{}{}
	go func() { // what had been put is still written
		for range w.given {
			w.let <- struct{}{}
		}
	}()
	if err := o.close(t.Context()); err != nil {
		t.Error(err)
	}
	close(w.given)
}
