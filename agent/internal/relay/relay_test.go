package relay_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/agent/internal/relay"
)

// TestMain checks that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const random = "ABCDEFGHIJKLMNOPQRSTUVWX23"

// sentOn returns the address to which a callback with that query is sent on, "" where
// it is refused.
func sentOn(t *testing.T, query string) string {
	t.Helper()
	w := httptest.NewRecorder()
	relay.Handler(relay.DefaultPath).ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: relay.DefaultPath, RawQuery: query}})
	target := w.Header().Get("Location")
	if sent := w.Code == http.StatusSeeOther; sent != (target != "") || !sent && w.Code != http.StatusBadRequest {
		t.Errorf("%q is answered by the status %d and leads to %q", query, w.Code, target)
	}
	return target
}

func TestAStateNamesAPort(t *testing.T) {
	if one, other := relay.NewState(4711), relay.NewState(4711); one == other {
		t.Error("two states are the same")
	}
	for state, want := range map[string]int{
		relay.NewState(4711): 4711,
		random + ".1024":     1024, random + ".65535": 65535,
		random + ".80": 0, random + ".0": 0, random + ".65536": 0, random + ".04711": 0, random + ".+4711": 0, random + ".4711 ": 0,
		random + ".": 0, random: 0, ".4711": 0, "": 0, "short.4711": 0,
		random + ".4711.4712": 0, "abcdefghijklmnopqrstuvwxyz.4711": 0, random + "@evil.example.com.4711": 0,
		strings.Repeat("A", 100) + ".4711": 0,
	} {
		target, err := url.Parse(sentOn(t, url.Values{"code": {"a"}, "state": {state}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := strconv.Atoi(target.Port()); got != want {
			t.Errorf("%q names the port %d, want %d", state, got, want)
		}
	}
}

func TestACallbackIsSentOnToThisMachineOnly(t *testing.T) {
	target := sentOn(t, "code=c+d&state="+random+".4711&iss=https%3A%2F%2Fgitlab.example.com&host=evil.example.com&redirect_uri=https://evil.example.com")
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" || u.Host != "127.0.0.1:4711" || u.Path != relay.CallbackPath || u.User != nil {
		t.Errorf("the browser goes to %s", target)
	}
	if got := u.Query(); len(got) != 3 || got.Get("code") != "c d" || got.Get("state") != random+".4711" || got.Get("iss") != "https://gitlab.example.com" {
		t.Errorf("it takes along %v", got)
	}
}

func TestWhatIsNoCallbackGoesNowhere(t *testing.T) {
	good := "state=" + random + ".4711"
	for name, query := range map[string]string{
		"nothing": "", "no code": good, "code and error": good + "&code=a&error=b", "an empty code": good + "&code=",
		"no state": "code=a", "another's state": "code=a&state=abc", "two states": good + "&code=a&" + good,
		"two codes": good + "&code=a&code=b", "a long code": good + "&code=" + strings.Repeat("a", 3000), "no query": good + "&code=%zz",
	} {
		if target := sentOn(t, query); target != "" {
			t.Errorf("%s: the browser goes to %s", name, target)
		}
	}
}

func FuzzTarget(f *testing.F) {
	f.Add("code=a&state=" + random + ".4711")
	f.Add("error=access_denied&state=" + random + ".65535&error_description=no")
	f.Add("code=a&state=" + random + ".4711%00@evil")
	f.Fuzz(func(t *testing.T, query string) {
		target := sentOn(t, query)
		if target == "" {
			return
		}
		u, err := url.Parse(target)
		if err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.Path != relay.CallbackPath || u.User != nil || u.Fragment != "" {
			t.Errorf("%q leads to %q", query, target)
		}
	})
}

func get(t *testing.T, method, path, query string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	relay.Handler(relay.DefaultPath).ServeHTTP(w, httptest.NewRequest(method, (&url.URL{Path: path, RawQuery: query}).String(), nil))
	return w.Result()
}

func TestTheRelayAnswersItsOwnPathsOnly(t *testing.T) {
	good := "code=glfake-code&state=" + random + ".4711"
	for _, c := range []struct {
		method, path, query string
		status              int
	}{
		{"GET", relay.DefaultPath, good, 303},
		{"HEAD", relay.DefaultPath, good, 303},
		{"POST", relay.DefaultPath, good, 405},
		{"GET", relay.DefaultPath + "/", good, 404},
		{"GET", "/", "", 404},
		{"GET", relay.DefaultPath, "code=glfake-code", 400},
		{"GET", relay.HealthPath, "", 200},
		{"DELETE", relay.HealthPath, "", 405},
	} {
		r := get(t, c.method, c.path, c.query)
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode != c.status {
			t.Errorf("%s %s?%s: status %d, want %d", c.method, c.path, c.query, r.StatusCode, c.status)
		}
		if r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s: headers %v", c.method, c.path, r.Header)
		}
		if strings.Contains(string(body), "glfake") {
			t.Errorf("%s %s: the code is on the page", c.method, c.path)
		}
	}
}

func TestARequestIsLoggedWithoutItsCode(t *testing.T) {
	var log bytes.Buffer
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- relay.Serve(ctx, listener, relay.Config{Path: relay.DefaultPath, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	}()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Get("http://" + listener.Addr().String() + relay.DefaultPath + "?code=glfake-code&state=" + random + ".4711")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the relay ended with %v", err)
	}
	if text := log.String(); strings.Contains(text, "glfake") || strings.Contains(text, random) || !strings.Contains(text, `"status":303`) || !strings.Contains(text, resp.Header.Get("X-Request-Id")) {
		t.Errorf("the log says\n%s", text)
	}
}

func TestAPathThatIsNone(t *testing.T) {
	for path, good := range map[string]bool{
		relay.DefaultPath: true, "/callback": true, "/": true,
		"": false, "callback": false, "https://x/y": false, "//x/y": false, "/a?b": false, "/a#b": false, relay.HealthPath: false,
	} {
		if err := relay.ValidPath(path); (err == nil) != good {
			t.Errorf("%q: %v", path, err)
		}
	}
}
