package auth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

func TestThePageRunsAndLoadsNothing(t *testing.T) {
	w := newWorld(t, settings{})
	a := w.begin(t.Context(), w.manager(nil))
	if err := w.approve(a); err != nil {
		t.Fatal(err)
	}
	styles := styleElement.FindAllStringSubmatch(a.page.Body, -1)
	if len(styles) != 1 {
		t.Fatalf("the page has %d style elements", len(styles))
	}
	sum := sha256.Sum256([]byte(styles[0][1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if got := a.page.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, want) {
		t.Errorf("the policy is %q, want %q for the style on the page", got, want)
	}
	for _, part := range []string{"<script", "<link", "<img", "style=", " src=", " href=", "http-equiv"} {
		if strings.Contains(a.page.Body, part) {
			t.Errorf("the page has %q", part)
		}
	}
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
	} {
		if got := a.page.Header.Get(name); got != want {
			t.Errorf("the header %s is %q, want %q", name, got, want)
		}
	}
}

func TestTheCodeLeavesTheAddressBar(t *testing.T) {
	w := newWorld(t, settings{})
	a := w.begin(t.Context(), w.manager(nil))
	callback, err := url.Parse(callbackOf(t, w, a))
	if err != nil {
		t.Fatal(err)
	}
	code, state := callback.Query().Get("code"), callback.Query().Get("state")
	if code == "" || state == "" {
		t.Fatal("the callback carries no code or no state")
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	first := get(t, client, callback.String())
	to, err := first.Location()
	if err != nil || first.StatusCode != http.StatusSeeOther || first.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the callback is answered %s to %v, %v", first.Status, to, err)
	}
	if to.Host != callback.Host || to.Path != callback.Path || strings.Contains(to.RawQuery, code) || strings.Contains(to.RawQuery, state) {
		t.Errorf("the browser is sent on to %s", to)
	}
	second := get(t, client, to.String())
	if second.StatusCode != http.StatusOK {
		t.Errorf("the page has the status %s", second.Status)
	}
	if err := <-a.result; err != nil {
		t.Error(err)
	}
	wantNobodyAt(t, a.started.RedirectURI)
}

func TestNamesOnThePageAreText(t *testing.T) {
	const hostile = `"><img src=x onerror=alert(1)><script>alert(2)</script>{{.}}`
	w := newWorld(t, settings{name: "Instance " + hostile, user: "Sam " + hostile})
	a := w.begin(t.Context(), w.manager(nil))
	if err := w.approve(a); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<img", "<script"} {
		if strings.Contains(a.page.Body, part) {
			t.Errorf("a name has become markup: the page has %q", part)
		}
	}
	for _, part := range []string{"Instance &#34;&gt;&lt;img", "Sam &#34;&gt;&lt;img", "{{.}}"} {
		if !strings.Contains(a.page.Body, part) {
			t.Errorf("the page lacks %q:\n%s", part, a.page.Body)
		}
	}
}

// A page that is asked for without having gone through the sign-in shows nothing.
func TestAResultCannotBeGuessed(t *testing.T) {
	w := newWorld(t, settings{})
	a := w.begin(t.Context(), w.manager(nil))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, query := range []string{"", "?result=", "?result=guessed", "?result=a&result=b"} {
		if resp := get(t, client, a.started.RedirectURI+query); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q is answered %s, want 400", query, resp.Status)
		}
	}
	if err := w.approve(a); err != nil {
		t.Errorf("the sign-in has suffered: %v", err)
	}
}

// callbackOf approves, and returns the URL that the browser is then sent to.
func callbackOf(t *testing.T, w *world, a *attempt) string {
	t.Helper()
	callback, err := newBrowser(w).ApproveUntilCallback(within(t), a.started.AuthorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	return callback
}

// get makes one request, whose body nobody wants.
func get(t *testing.T, client *http.Client, address string) *http.Response {
	t.Helper()
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}
