package work

import (
	"errors"
	"time"
)

// ErrLate is the error of what has not ended in time, and may hang for ever.
var ErrLate = errors.New("it does not answer")

// Within runs f, which must not panic, and returns its error, or ErrLate where it has
// not ended within the limit. It then ends whenever it does, and undo, unless it is
// nil, takes back what it has done. [Patience] is for what can be shared: this is for
// what each has done for themselves, such as a file that is written.
func Within(limit time.Duration, f func() error, undo func()) error {
	ended, late := make(chan error), make(chan struct{})
	go func() {
		err := f()
		select {
		case ended <- err:
		case <-late:
			if err == nil && undo != nil {
				undo()
			}
		}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		close(late)
		return ErrLate
	}
}
