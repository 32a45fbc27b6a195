package providertest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// Nobody fills the memory of the agent with an answer that does not end.
func (s Suite) testAnswersAreBounded(t *testing.T) {
	h := s.started(t, false)
	var most atomic.Int64
	server := httptest.NewServer(endless(&most))
	defer server.Close()
	s.wantTooLarge(t, h, server.URL)
	server.Close() // waits for the handlers
	if n := most.Load(); n < 1<<16 || n > 2*providers.MaxBody {
		t.Errorf("%d bytes were read", n)
	}
}

func (s Suite) wantTooLarge(t *testing.T, h SuiteHost, url string) {
	t.Helper()
	for name, ask := range s.asks(t, h, url) {
		code := protocol.GitLabError
		if name == "Probe" {
			code = protocol.NotGitLab
		}
		if wantError(t, ask(t.Context()), code); t.Failed() {
			t.Fatalf("by %s", name)
		}
	}
}

// What is small on the line and large in memory counts as large.
func (s Suite) testCompressedAnswersAreBounded(t *testing.T) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for range providers.MaxBody>>20 + 1 {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if bomb.Len() > providers.MaxBody/100 {
		t.Fatalf("the bomb has %d bytes", bomb.Len())
	}
	s.wantTooLarge(t, s.started(t, false), elsewhere(t, answering(200, bomb.String(), "Content-Type", "application/json", "Content-Encoding", "gzip")))
}

// A header, or the answers before the answer, end somewhere too.
func (s Suite) testHeadersAreBounded(t *testing.T) {
	h := s.started(t, false)
	for name, c := range map[string]struct{ first, again string }{
		"one line":    {"HTTP/1.1 200 OK\r\nX-Long: ", strings.Repeat("a", 1<<16)},
		"many lines":  {"HTTP/1.1 200 OK\r\n", strings.Repeat("X-Again: a\r\n", 1<<12)},
		"early hints": {"", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1<<10)},
		"continue":    {"", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			url := elsewhere(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				for _, err = io.WriteString(conn, c.first); err == nil; {
					_, err = io.WriteString(conn, c.again)
				}
			})
			for name, ask := range s.asks(t, h, url) {
				if wantError(t, ask(t.Context()), protocol.HostUnreachable); t.Failed() {
					t.Fatalf("by %s", name)
				}
			}
		})
	}
}

// Nor does an answer hold a request for ever that comes a byte at a time.
func (s Suite) testAnswersEndInTime(t *testing.T) {
	url := elsewhere(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	})
	client := providers.NewClient(withSecret{SuiteHost{}.transport(t)}, s.Provider.Endpoints(url).API)
	client.Timeout = 50 * time.Millisecond
	_, err := s.Provider.Host(url, client).CurrentUser(t.Context())
	if e := wantError(t, err, protocol.HostUnreachable); e.Details == nil || e.Details.Cause != "timeout" {
		t.Errorf("the details are %+v", e.Details)
	}
}

// A redirect to where one comes from is followed a few times.
func (s Suite) testRedirectsEnd(t *testing.T) {
	h := s.started(t, false)
	var asked atomic.Int32
	url := elsewhere(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answering(302, "", "Location", r.URL.String())(w, r)
	})
	for name, ask := range s.asks(t, h, url) {
		asked.Store(0)
		wantError(t, ask(t.Context()), protocol.NotGitLab, protocol.GitLabError)
		if n := asked.Load(); n > 10 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}
