package providertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

func (s Suite) testProbeAccepts(t *testing.T) {
	for _, secure := range []bool{false, true} {
		h := s.started(t, secure)
		found, err := s.Provider.Probe(t.Context(), h.stranger(t), h.URL)
		if err != nil || len(found.Warnings) != 0 {
			t.Errorf("TLS %t: got %v, %v", secure, found, err)
		}
	}
}

// Who gives the address of a page of the host is told the address of the host.
func (s Suite) testProbeSuggests(t *testing.T) {
	h := s.started(t, false)
	for _, below := range []string{"/team", "/team/project-01", "/team/project-01/issues"} {
		_, err := s.Provider.Probe(t.Context(), h.stranger(t), h.URL+below)
		e := wantError(t, err, protocol.NotGitLab)
		if !strings.Contains(e.Hint, " "+h.URL+":") && !strings.Contains(e.Hint, " "+h.URL+" ") {
			t.Errorf("%s: the hint does not give %s: %s", below, h.URL, e.Hint)
		}
		if e.Instance != h.URL+below {
			t.Errorf("%s: the error is about %q", below, e.Instance)
		}
	}
}

func (s Suite) testProbeOfSomethingElse(t *testing.T) {
	other := elsewhere(t, answering(200, "<!DOCTYPE html><p>hello", "Content-Type", "text/html"))
	cases := []struct {
		name   string
		server http.HandlerFunc
	}{
		{"page", answering(200, "<!DOCTYPE html><p>hello", "Content-Type", "text/html; charset=utf-8")},
		{"page without a type", answering(200, "", "Content-Type", "")},
		{"page not found", answering(404, "<html>", "Content-Type", "text/html")},
		{"text", answering(200, "ok", "Content-Type", "text/plain")},
		{"JSON object", answering(200, "{}", "Content-Type", "application/json")},
		{"JSON list", answering(200, "[]", "Content-Type", "application/json")},
		{"JSON that is none", answering(200, `{"version":`, "Content-Type", "application/json")},
		{"another OpenID provider", answering(200, `{"issuer":"https://id.example.com","token_endpoint":"https://id.example.com/token"}`, "Content-Type", "application/json")},
		{"an API that knows nobody", answering(401, `{"message":"No session"}`, "Content-Type", "application/json")},
		{"Kubernetes", answering(403, `{"kind":"Status","message":"forbidden: User \"system:anonymous\" cannot get path","code":403}`, "Content-Type", "application/json")},
		{"an API without this", answering(404, `{"id":"api.context.404.app_error","message":"no","status_code":404}`, "Content-Type", "application/json")},
		{"redirect to another place", answering(302, "", "Location", other+"/login?next=/")},
		{"redirect in a circle", answering(302, "", "Location", "/")},
		{"redirect to nowhere", answering(302, "")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			url := elsewhere(t, c.server)
			_, err := s.Provider.Probe(t.Context(), SuiteHost{}.stranger(t), url)
			if e := wantError(t, err, protocol.NotGitLab); e.Instance != url {
				t.Errorf("the error is about %q", e.Instance)
			}
		})
	}
}

// A host that cannot answer now is not told to be something else.
func (s Suite) testProbeOfAHostInTrouble(t *testing.T) {
	cases := []struct {
		name   string
		server http.HandlerFunc
		want   protocol.Code
		retry  time.Duration
	}{
		{"proxy that wants a password", answering(407, "<html>", "Content-Type", "text/html"), protocol.HostUnreachable, 0},
		{"rate limit", answering(429, "Retry later\n", "Content-Type", "text/plain", "Retry-After", "7"), protocol.RateLimited, 7 * time.Second},
		{"bad gateway", answering(502, "<html>", "Content-Type", "text/html"), protocol.GitLabError, 0},
		{"maintenance", answering(503, `{"message":"down"}`, "Content-Type", "application/json", "Retry-After", "60"), protocol.GitLabError, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Provider.Probe(t.Context(), SuiteHost{}.stranger(t), elsewhere(t, c.server))
			if e := wantError(t, err, c.want); e.RetryAfter != c.retry || e.Status < 400 {
				t.Errorf("retry after %v, status %d", e.RetryAfter, e.Status)
			}
		})
	}
}

// asks are all that goes over the network.
func (s Suite) asks(t *testing.T, h SuiteHost, url string) map[string]func(context.Context) error {
	t.Helper()
	stranger := h.stranger(t)
	api := s.hostAt(t, url)
	return map[string]func(context.Context) error{
		"Probe": func(ctx context.Context) error {
			_, err := s.Provider.Probe(ctx, stranger, url)
			return err
		},
		"CurrentUser": func(ctx context.Context) error {
			_, err := api.CurrentUser(ctx)
			return err
		},
		"Version": func(ctx context.Context) error {
			_, err := api.Version(ctx)
			return err
		},
		"Call": func(ctx context.Context) error {
			call := h.List
			call.Query = map[string]protocol.QueryValue{"search": {suiteSecret}}
			_, err := api.Call(ctx, call)
			return err
		},
		"Call of all pages": func(ctx context.Context) error {
			call := h.List
			call.AllPages = true
			_, err := api.Call(ctx, call)
			return err
		},
	}
}

func (s Suite) testUnreachable(t *testing.T) {
	h := s.started(t, false)
	closed := elsewhere(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, ask := range s.asks(t, h, closed) {
		e := wantError(t, ask(t.Context()), protocol.HostUnreachable)
		if e.Instance != closed || e.Details == nil || e.Details.Cause != "connection" {
			t.Errorf("%s: about %q, with the details %+v", name, e.Instance, e.Details)
		}
	}
	const nobody = "http://127.0.0.1:1" // tcpmux, which no machine serves
	for name, ask := range s.asks(t, h, nobody) {
		e := wantError(t, ask(t.Context()), protocol.HostUnreachable)
		if e.Instance != nobody || e.Details == nil || e.Details.Cause != "refused" {
			t.Errorf("%s: about %q, with the details %+v", name, e.Instance, e.Details)
		}
	}
}

func (s Suite) testUntrustedCertificate(t *testing.T) {
	h := s.started(t, true)
	for name, ask := range s.asks(t, SuiteHost{List: h.List}, h.URL) {
		e := wantError(t, ask(t.Context()), protocol.CertificateUntrusted)
		if e.Instance != h.URL || e.Details == nil || e.Details.Issuer == "" || e.Details.Subject == "" || e.Details.NotAfter == nil {
			t.Errorf("%s: about %q, with the details %+v", name, e.Instance, e.Details)
		}
	}
}

// Whoever asks a host that is silent can stop asking, by cancelling or by a
// deadline.
func (s Suite) testSilentHost(t *testing.T) {
	h := s.started(t, false)
	arrived := make(chan struct{}, 1)
	silent := elsewhere(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case arrived <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	})
	for name, ask := range s.asks(t, h, silent) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- ask(ctx) }()
		<-arrived // it, or the one before, whose deadline had passed
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v after it was cancelled", name, err)
		}

		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
			e := wantError(t, err, protocol.HostUnreachable)
			if e.Details == nil || e.Details.Cause != "timeout" {
				t.Errorf("%s: the details %+v", name, e.Details)
			}
		}
		cancel()
	}
}
