package team

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// counting counts how often a URL is read, which is once for each instance of a file
// that is parsed.
type counting struct {
	providers.Provider
	parsed *int
}

func (c counting) NormalizeURL(raw string) (string, error) {
	*c.parsed++
	return c.Provider.NormalizeURL(raw)
}

const oneInstance, another = `{"instances": [{"url": "https://a.example.com"}]}`, `{"instances": [{"url": "https://b.example.com"}]}`

func (d *document) ids() (ids []string) {
	for _, in := range d.contents().instances {
		ids = append(ids, in.ID)
	}
	return ids
}

func TestAFileIsParsedWhereItIsAnother(t *testing.T) {
	text, count := oneInstance, 0
	d := newDocument("file", format{provider: counting{gitlabsm.Provider{}, &count}}, func() ([]byte, error) {
		if text == "" {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	})
	for i, step := range []struct {
		text   string
		ids    []string
		parsed int
	}{
		{oneInstance, []string{"https://a.example.com"}, 1},
		{oneInstance, []string{"https://a.example.com"}, 1},
		{another, []string{"https://b.example.com"}, 2},
		{"", nil, 2},
		{another, []string{"https://b.example.com"}, 2},
		{oneInstance, []string{"https://a.example.com"}, 3},
	} {
		text = step.text
		d.take(d.look())
		if says := d.contents(); !slices.Equal(d.ids(), step.ids) || count != step.parsed || says.problem != nil || says.late {
			t.Errorf("step %d: %v, %+v, after %d were parsed; want %v after %d", i, d.ids(), says, count, step.ids, step.parsed)
		}
	}
}

// A rule may ask for what is not in the file, such as a certificate that is to be put
// beside it.
func TestARuleIsAskedAgainOfTheSameFile(t *testing.T) {
	missing := errors.New("the certificate is missing")
	rule := Rule{"url", func(store.Instance) error { return missing }}
	d := newDocument("file", format{provider: gitlabsm.Provider{}, rules: []Rule{rule}}, func() ([]byte, error) { return []byte(oneInstance), nil })
	d.take(d.look())
	if says := d.contents(); len(says.instances) > 0 || says.problem == nil || !strings.Contains(says.problem.Error(), missing.Error()) {
		t.Fatalf("the file says %+v", says)
	}
	missing = nil
	d.take(d.look())
	if says := d.contents(); len(says.instances) != 1 || says.problem != nil {
		t.Errorf("afterwards the file says %+v", says)
	}
}

// hangs is what reads a file on a machine that goes, and comes back.
type hangs struct {
	release chan struct{} // nil: it answers
	text    string
}

func (h *hangs) read() ([]byte, error) {
	text := h.text
	if h.release != nil {
		<-h.release
	}
	return []byte(text), nil
}

func TestAFileThatHangsCountsAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hangs{text: oneInstance}
		w := &Workspace{Provider: gitlabsm.Provider{}, trusted: true}
		w.open.list = []folder{
			{"/away", newDocument("/away/file", w.format(), h.read)},
			{"/here", newDocument("/here/file", w.format(), func() ([]byte, error) { return []byte(another), nil })},
		}
		directory := NewDirectory(store.New(t.TempDir(), store.Options{}), gitlabsm.Provider{}, w)
		check := func(when string, took time.Duration, late bool, ids ...string) {
			t.Helper()
			began := time.Now()
			found, err := directory.Survey()
			var got []string
			for _, in := range found.Instances {
				got = append(got, in.ID)
			}
			if err != nil || !slices.Equal(got, ids) || found.Incomplete != late || time.Since(began) != took {
				t.Errorf("%s there are %v (incomplete: %v) after %v, %v; want %v after %v", when, got, found.Incomplete, time.Since(began), err, ids, took)
			}
			if told := found.ProblemsOf(protocol.SourceWorkspace); len(told) > 0 != late {
				t.Errorf("%s the problems are %v", when, told)
			}
		}
		check("at first", 0, false, "https://a.example.com", "https://b.example.com")
		release := make(chan struct{})
		h.release, h.text = release, `{"instances": []}`
		check("while it hangs", patience, true, "https://a.example.com", "https://b.example.com")
		check("while it still hangs", 0, true, "https://a.example.com", "https://b.example.com")
		synctest.Wait()
		h.release = nil
		close(release)
		synctest.Wait()
		check("when it answers again", 0, false, "https://b.example.com")
	})
}

func TestAFileThatHangsFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hangs{text: oneInstance, release: make(chan struct{})}
		d := newDocument("file", format{provider: gitlabsm.Provider{}}, h.read)
		d.take(d.look())
		var told *protocol.Error
		if says := d.contents(); len(says.instances) > 0 || !says.late || !errors.As(says.problem, &told) || told.Hint == "" {
			t.Errorf("the file says %+v", says)
		}
		close(h.release)
		synctest.Wait()
	})
}
