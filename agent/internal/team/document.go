package team

import (
	"bytes"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/work"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// patience is how long a file of instances may take to be read. A folder on a machine
// that is gone can hang for ever.
const patience = time.Second

// document is a file of instances, as it was last read. Each look reads it anew, which
// is cheap and misses nothing; it is parsed where its text is another. Both are done
// outside of any transaction.
type document struct {
	name   string // as it is shown
	read   func() ([]byte, error)
	format format

	reads work.Patience[struct{}]

	mu     sync.Mutex // guards what follows; nobody reads or parses while they hold it
	text   []byte
	err    error // why there is no text
	number int   // of the reading
	parsed parsed
	says   contents
}

// contents are what a file says.
type contents struct {
	instances []store.Instance
	problem   error // with the rest, which does not count
	late      bool  // it does not answer: this is what it said before
}

func newDocument(name string, f format, read func() ([]byte, error)) *document {
	return &document{name: name, read: read, format: f, reads: work.Patience[struct{}]{Limit: patience}}
}

// look reads the file, and reports whether it answered within the time that it may
// take.
func (d *document) look() (answered bool) {
	_, answered = d.reads.Do(d.name, func() struct{} {
		text, err := d.read()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.text, d.err = text, err
		d.number++
		return struct{}{}
	})
	return answered
}

// take has what was read count.
func (d *document) take(answered bool) {
	d.mu.Lock()
	text, err, number, file, says := d.text, d.err, d.number, d.parsed, d.says
	d.mu.Unlock()
	switch {
	case !answered:
		says.late, says.problem = true, unanswered(d.name)
	case err != nil:
		says = contents{problem: d.unread(err)}
	default:
		if file.source == nil || !bytes.Equal(file.text, text) {
			file = d.format.parse(d.name, text)
		}
		says = contents{}
		says.instances, says.problem = d.format.check(file)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !answered || d.number == number { // else another look knows more by now
		d.parsed, d.says = file, says
	}
}

// unread is what is wrong where there is no text. Nothing is where there is no file.
func (d *document) unread(err error) error {
	var known *protocol.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &known):
		return known
	}
	return unreadable(d.name, err)
}

// contents returns what the file said when it was last looked at. It waits for nobody.
func (d *document) contents() contents {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.says
}
