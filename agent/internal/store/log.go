package store

import (
	"errors"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// slow is how long a transaction or a wait for an account may take before it is
// worth a line in the log.
const slow = 100 * time.Millisecond

// note logs what took long or failed, at the level debug: whoever called tells the
// user. It is deferred with the time at which it began.
func (s *Store) note(what string, began time.Time, err *error) {
	took := time.Since(began)
	var known protocol.Code
	failed := errors.As(*err, &known) // ErrNotFound and the like are answers
	if took < slow && !failed {
		return
	}
	attrs := []any{"what", what, "took", took.Round(time.Microsecond), "dir", s.dir}
	if failed {
		attrs = append(attrs, "error", *err)
	}
	s.Log.Debug("the store was slow or failed", attrs...)
}
