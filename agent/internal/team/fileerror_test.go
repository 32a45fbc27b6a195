package team

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/work"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Nothing is wrong with a file whose folder merely hangs: to make it writable, or
// regular, mends nothing.
func TestTheHintIsForTheCause(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "file", Err: fs.ErrPermission}
	for name, c := range map[string]struct {
		err  error
		hint string
	}{
		"read late":     {unreadable("file", work.ErrLate), "disk or the machine"},
		"written late":  {unwritable("file", work.ErrLate), "disk or the machine"},
		"read again":    {unanswered("file"), "what was last read of it counts"},
		"not readable":  {unreadable("file", denied), "that you may read"},
		"not writable":  {unwritable("file", denied), "Make the folder writable"},
		"no file":       {unreadable("file", errNoFile), "a regular file"},
		"a link's work": {unwritable("file", errNoFolder), "no link in place"},
	} {
		var told *protocol.Error
		if !errors.As(c.err, &told) || !strings.Contains(told.Hint, c.hint) || told.Details.File != "file" || told.Details.Text == "" {
			t.Errorf("%s: %+v, want the hint %q", name, told, c.hint)
		}
	}
}
