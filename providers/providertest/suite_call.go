package providertest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

func (s Suite) testCurrentUserAndVersion(t *testing.T) {
	for _, secure := range []bool{false, true} {
		h := s.started(t, secure)
		api := s.api(t, h)
		if user, err := api.CurrentUser(t.Context()); err != nil || user != h.User {
			t.Errorf("got %+v, %v; want %+v", user, err, h.User)
		}
		if version, err := api.Version(t.Context()); err != nil || version != h.Version {
			t.Errorf("got %q, %v; want %q", version, err, h.Version)
		}
	}
}

// What has another form is no user with the id 0 and no version "".
func (s Suite) testAnswersOfAnotherProgram(t *testing.T) {
	for _, body := range []string{"{}", "[]", "null", `"text"`, `{"id":"x","version":1}`, `{"id":`, ""} {
		api := s.hostAt(t, elsewhere(t, answering(200, body, "Content-Type", "application/json")))
		_, err := api.CurrentUser(t.Context())
		wantError(t, err, protocol.NotGitLab)
		_, err = api.Version(t.Context())
		wantError(t, err, protocol.NotGitLab)
		if t.Failed() {
			t.Fatalf("with the body %q", body)
		}
	}
}

func (s Suite) testCall(t *testing.T) {
	h := s.started(t, false)
	api := s.api(t, h)
	for _, call := range []protocol.CallAPIParams{h.List, h.Create} {
		result, err := api.Call(t.Context(), call)
		if err != nil || result.Status < 200 || result.Status > 299 || result.BodyEncoding != "" || !json.Valid(result.Body) {
			t.Errorf("%s %s: got %d %s, %v", call.Method, call.Path, result.Status, result.Body, err)
		}
		if !strings.Contains(result.Headers["content-type"], "json") {
			t.Errorf("%s %s: the headers %v", call.Method, call.Path, result.Headers)
		}
		for name := range result.Headers {
			if name != strings.ToLower(name) || name == "set-cookie" {
				t.Errorf("%s %s: the header %s", call.Method, call.Path, name)
			}
		}
	}
	if h.Requests() != 2 {
		t.Errorf("%d requests for two calls", h.Requests())
	}
}

func (s Suite) testCallAllPages(t *testing.T) {
	h := s.started(t, false)
	api := s.api(t, h)
	length := func(call protocol.CallAPIParams) int {
		result, err := api.Call(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		var items []json.RawMessage
		if err := json.Unmarshal(result.Body, &items); err != nil {
			t.Fatalf("%v: %s", err, result.Body)
		}
		seen := map[string]bool{}
		for _, item := range items {
			seen[string(item)] = true
		}
		return len(seen)
	}
	if n := length(h.List); n >= h.ListLength {
		t.Errorf("one page has all %d items", n)
	}
	all := h.List
	all.AllPages = true
	if n := length(all); n != h.ListLength {
		t.Errorf("all pages have %d different items, want %d", n, h.ListLength)
	}
	before := h.Requests()
	post := h.Create
	post.AllPages = true
	_, err := api.Call(t.Context(), post)
	wantError(t, err, protocol.InvalidParams)
	if h.Requests() != before {
		t.Error("the host was asked for all pages of a POST")
	}
}

// A host is shared by all requests of the editor.
func (s Suite) testCallsSideBySide(t *testing.T) {
	h := s.started(t, false)
	api := s.api(t, h)
	all := h.List
	all.AllPages = true
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := api.Call(t.Context(), all); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			if user, err := api.CurrentUser(t.Context()); err != nil || user.ID != h.User.ID {
				t.Errorf("got %+v, %v", user, err)
			}
		})
		group.Go(func() {
			if _, err := s.Provider.Probe(t.Context(), h.stranger(t), h.URL); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func (s Suite) testCallErrors(t *testing.T) {
	h := s.started(t, false)
	const jsonType = "application/json"
	date := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	cases := []struct {
		name   string
		server http.HandlerFunc
		code   protocol.Code
		status int
	}{
		{"bad request", answering(400, `{"error":"title is missing"}`, "Content-Type", jsonType), protocol.GitLabError, 400},
		{"forbidden", answering(403, `{"message":"403 Forbidden"}`, "Content-Type", jsonType), protocol.Forbidden, 403},
		{"forbidden without a word", answering(403, ``, "Content-Type", jsonType), protocol.Forbidden, 403},
		{"not found", answering(404, `{"message":"404 Not Found"}`, "Content-Type", jsonType), protocol.NotFound, 404},
		{"conflict", answering(409, `[]`, "Content-Type", jsonType), protocol.GitLabError, 409},
		{"unprocessable", answering(422, `{"message":null}`, "Content-Type", jsonType), protocol.GitLabError, 422},
		{"rate limit", answering(429, "Retry later\n", "Content-Type", "text/plain", "Retry-After", "60"), protocol.RateLimited, 429},
		{"rate limit with a date", answering(429, "", "Retry-After", date), protocol.RateLimited, 429},
		{"rate limit for ever", answering(429, "", "Retry-After", "99999999999999999"), protocol.RateLimited, 429},
		{"server error", answering(500, `{"message":"500 Internal Server Error"}`, "Content-Type", jsonType), protocol.GitLabError, 500},
		{"bad gateway", answering(502, "<html>", "Content-Type", "text/html"), protocol.GitLabError, 502},
		{"page of a proxy", answering(200, "<html>", "Content-Type", "text/html"), protocol.NotGitLab, 200},
		{"page that is forbidden", answering(403, "<html>", "Content-Type", "text/html"), protocol.NotGitLab, 403},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			url := elsewhere(t, c.server)
			_, err := s.hostAt(t, url).Call(t.Context(), h.List)
			e := wantError(t, err, c.code)
			if e.Status != c.status || e.Instance != url {
				t.Errorf("status %d of %q", e.Status, e.Instance)
			}
			if wait := e.Data().RetryAfterSeconds; c.code == protocol.RateLimited && wait < 60 || wait < 0 {
				t.Errorf("retry after %d s", wait)
			}
		})
	}
}

// The host's own refusals.
func (s Suite) testCallRefusedByTheHost(t *testing.T) {
	h := s.started(t, false)
	api := s.api(t, h)
	_, err := api.Call(t.Context(), h.Missing)
	if e := wantError(t, err, protocol.NotFound); e.Instance != h.URL || e.Status != http.StatusNotFound {
		t.Errorf("about %q, status %d", e.Instance, e.Status)
	}
	h.Authorise = h.Weak
	_, err = s.api(t, h).Call(t.Context(), h.List)
	if e := wantError(t, err, protocol.InsufficientScope); e.Details == nil || len(e.Details.Scopes) == 0 {
		t.Errorf("the scopes that are lacking are not named: %+v", e.Details)
	}
}
