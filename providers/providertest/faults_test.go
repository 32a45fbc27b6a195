package providertest

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFaultAnswers(t *testing.T) {
	cases := []struct {
		name     string
		endpoint Endpoint
		fault    Fault
		status   int
		kind     string
		body     string
		header   string // a name that must be there
	}{
		{"rate limit", EndpointUser, Fault{Status: 429}, 429, "text/plain", "Retry later\n", "Retry-After"},
		{"rate limit by its header", EndpointAPI, Fault{RetryAfter: 2}, 429, "text/plain", "Retry later\n", "RateLimit-Reset"},
		{"unavailable", EndpointAny, Fault{Status: 503, RetryAfter: 5}, 503, "text/html", "<!DOCTYPE html>", "Retry-After"},
		{"sign-in page", EndpointAPI, Fault{HTML: true}, 200, "text/html", "user_login", ""},
		{"redirect to sign-in", EndpointUser, Fault{Status: 302}, 302, "text/html", "", "Location"},
		{"API error", EndpointUser, Fault{Status: 403}, 403, "application/json", `{"message":"403 Forbidden"}`, ""},
		{"JSON", EndpointUser, Fault{Body: `{"a":`}, 200, "application/json", `{"a":`, ""},
		{"stated type", EndpointUser, Fault{Body: "x", ContentType: "image/png"}, 200, "image/png", "x", ""},
	}
	w := start(t, Options{})
	token := w.AddPersonalAccessToken("sam")
	for _, c := range cases {
		w.SetFault(c.endpoint, c.fault)
		r := w.get("/api/v4/user", token)
		if r.status != c.status || !strings.HasPrefix(r.header.Get("Content-Type"), c.kind) || !strings.Contains(r.body, c.body) {
			t.Errorf("%s: got %d %s %q", c.name, r.status, r.header.Get("Content-Type"), r.body)
		}
		if c.header != "" && r.header.Get(c.header) == "" {
			t.Errorf("%s: no %s", c.name, c.header)
		}
		w.ClearFaults()
	}
	w.SetFault(EndpointUser, Fault{Status: 429, RetryAfter: -1})
	if r := w.get("/api/v4/user", token); r.header.Get("Retry-After") != "" {
		t.Error("a Retry-After that was not wanted")
	}
}

func TestFaultTimes(t *testing.T) {
	w := start(t, Options{})
	token := w.AddPersonalAccessToken("sam")
	w.SetFault(EndpointUser, Fault{Status: 502, Times: 2})
	w.SetFault(EndpointAPI, Fault{Status: 503, Times: 1})
	for _, want := range []int{502, 502, 503, 200} {
		if r := w.get("/api/v4/user", token); r.status != want {
			t.Errorf("got %d, want %d", r.status, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown endpoint is taken")
		}
	}()
	w.SetFault("no such", Fault{})
}

// A refresh whose connection is cut before it was processed leaves the token
// alive; one that is cut afterwards has spent it.
func TestDroppedConnections(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault Fault
		after string
	}{
		{"before", Fault{DropBefore: true, Times: 1}, ""},
		{"after", Fault{DropAfter: true, Times: 1}, "invalid_grant"},
		{"after a while", Fault{DropAfter: true, Delay: time.Millisecond, Times: 1}, "invalid_grant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, Options{TLS: c.name == "after"})
			form := w.refreshForm(w.public, w.Issue("sam", w.public.ID).RefreshToken)
			w.SetFault(EndpointToken, c.fault)
			_, err := w.request("POST", "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
			if err == nil {
				t.Fatal("there was an answer")
			}
			if r := w.post("/oauth/token", form); r.text("error") != c.after {
				t.Errorf("the next refresh: %s", r.body)
			}
			if w.Requests()[0].Status != 0 {
				t.Error("the journal has a status for the cut request")
			}
			w.clean() // the client had to try again
		})
	}
}

// A held answer ends when the client leaves, and the server has done its work.
func TestHoldEndsWithTheClient(t *testing.T) {
	w := start(t, Options{})
	old := w.Issue("sam", w.public.ID)
	w.SetFault(EndpointToken, Fault{Hold: make(chan struct{}), Times: 1})
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := NewBrowser("", "", nil).load(ctx, &request{
			method: "POST", url: mustParse(w.URL() + "/oauth/token"), form: w.refreshForm(w.public, old.RefreshToken),
		})
		ended <- err
	}()
	if err := w.Await(t.Context(), "POST", "/oauth/token", 1); err != nil {
		t.Fatal(err)
	}
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the client got %v", err)
	}
	w.want(w.post("/oauth/token", w.refreshForm(w.public, old.RefreshToken)), 400, "invalid_grant")
}

func TestCloseEndsWhatIsHeld(t *testing.T) {
	w := start(t, Options{})
	w.SetFault(EndpointAPI, Fault{Hold: make(chan struct{}), Delay: time.Hour})
	ended := make(chan error)
	go func() {
		_, err := w.request("GET", "/api/v4/user", "")
		ended <- err
	}()
	if err := w.Await(t.Context(), "GET", "/api/v4/user", 1); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := <-ended; err == nil {
		t.Error("there was an answer")
	}
	w.Close()
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	w := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Await(ctx, "GET", "/api/v4/user", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDownAndUpOnTheSamePort(t *testing.T) {
	w := start(t, Options{})
	token := w.AddPersonalAccessToken("sam")
	open, err := net.Dial("tcp", mustParse(w.URL()).Host)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	w.want(w.get("/api/v4/user", token), 200, "")
	w.SetDown(true)
	if _, err := open.Read(make([]byte, 1)); err == nil {
		t.Error("an open connection survives")
	}
	if _, err := w.request("GET", "/api/v4/user", ""); err == nil {
		t.Error("it answers while it is down")
	}
	w.SetDown(false)
	w.want(w.get("/api/v4/user", token), 200, "")
	if n := w.Count("GET", "/api/v4/user"); n != 2 {
		t.Errorf("%d requests came", n)
	}
}

func TestStartRefusals(t *testing.T) {
	for _, o := range []Options{{Addr: "0.0.0.0:0"}, {Addr: "nonsense"}, {Root: "gitlab"}} {
		if g, err := StartGitLab(o); err == nil {
			g.Close()
			t.Errorf("%+v starts", o)
		}
	}
}

func TestCertificateIsNeeded(t *testing.T) {
	w := start(t, Options{TLS: true})
	if _, err := NewBrowser("sam", "", nil).Open(t.Context(), w.URL()); err == nil {
		t.Error("a browser trusts an unknown certificate")
	}
	page, err := w.browser().Open(t.Context(), w.URL()+"/users/sign_in")
	if err != nil || page.Status != 200 {
		t.Errorf("got %v", err)
	}
}

func TestUsersAndApplications(t *testing.T) {
	w := start(t, Options{})
	alex := w.AddUser(User{Username: "alex"})
	if alex.ID != 2 || alex.Name != "Alex" || alex.Email == "" || alex.Password == "" {
		t.Errorf("%+v", alex)
	}
	if again := w.AddUser(User{Username: "alex", Blocked: true}); again.ID != 2 {
		t.Errorf("replaced by %d", again.ID)
	}
	if id := w.public.ID; len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("application %s", id)
	}
	if form := (url.Values{"b": nil, "a": nil}); strings.Join(Request{Form: form}.FormNames(), "") != "ab" {
		t.Error("the names are not sorted")
	}
}
