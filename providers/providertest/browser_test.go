package providertest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestBrowserGoesOnToTheLastPage(t *testing.T) {
	w := start(t, Options{})
	mux := http.NewServeMux()
	mux.HandleFunc("/callback", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "/done?answer="+r.FormValue("error"), http.StatusSeeOther)
	})
	mux.HandleFunc("/done", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(rw, "<title>Done</title>You may close this page.")
	})
	callback := httptest.NewServer(mux)
	defer callback.Close()
	for name, press := range map[string]func(*Browser, string) (*Page, error){
		"":              func(b *Browser, u string) (*Page, error) { return b.Approve(t.Context(), u) },
		"access_denied": func(b *Browser, u string) (*Page, error) { return b.Deny(t.Context(), u) },
	} {
		address, _ := w.authorizeURL(w.public, "redirect_uri", callback.URL+"/callback")
		page, err := press(w.browser(), address)
		if err != nil || page.Title != "Done" || page.Status != 200 || page.URL != callback.URL+"/done?answer="+name {
			t.Errorf("%q: %+v %v", name, page, err)
		}
	}
	w.clean()
}

// A browser hands other schemes to other programs, and asks no server for them.
func TestBrowserStaysOnTheWeb(t *testing.T) {
	const custom = "vscode://codestream.codestream/callback"
	w := start(t, Options{})
	address, _ := w.authorizeURL(w.public, "redirect_uri", custom)
	page, err := w.browser().Approve(t.Context(), address)
	if err != nil || page.Status != 302 || !strings.HasPrefix(page.Header.Get("Location"), custom+"?code=") {
		t.Errorf("got %v", err)
	}
	for _, address := range []string{custom, "file:///etc/hostname", "javascript:0", "", ":"} {
		if _, err := w.browser().Open(t.Context(), address); err == nil {
			t.Errorf("opens %q", address)
		}
	}
	address, _ = w.authorizeURL(w.public, "redirect_uri", "https://no-such-host.invalid/callback")
	app := w.public
	app.RedirectURIs = []string{"https://no-such-host.invalid/callback"}
	w.AddApplication(app)
	callback, err := w.browser().ApproveUntilCallback(t.Context(), address)
	if err != nil || !strings.HasPrefix(callback, "https://no-such-host.invalid/callback?code=") {
		t.Errorf("until the callback: %v", err)
	}
}

func TestBrowserErrorsAreFreeOfSecrets(t *testing.T) {
	w := start(t, Options{})
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	address, _ := w.authorizeURL(w.public, "redirect_uri", gone.URL+"/callback")
	_, err := w.browser().Approve(t.Context(), address)
	var failure *url.Error
	if err == nil || errors.As(err, &failure) || strings.Contains(err.Error(), SecretPrefix) {
		t.Errorf("got %v", err)
	}
	address, _ = w.authorizeURL(w.public, "client_id", "unknown")
	if _, err = w.browser().ApproveUntilCallback(t.Context(), address); err == nil ||
		!strings.Contains(err.Error(), "An error has occurred") {
		t.Errorf("got %v", err)
	}
}

func TestWhereAPageLeads(t *testing.T) {
	for body, want := range map[string]string{
		`<meta http-equiv="refresh" content="0;url=/next?a=1&amp;b=2">`:        "http://host/next?a=1&b=2",
		`<meta http-equiv="Refresh" content="3; URL='other'">`:                 "http://host/other",
		`<script>window.location = "http:\/\/x\/?a\u003d1\u0026b=2";</script>`: "http://x/?a=1&b=2",
		`<script>window.location.replace( 'vscode://a/b' )</script>`:           "vscode://a/b",
		`<script>window.location.href="/next"</script>`:                        "http://host/next",
		`<script>if (window.location.hash) { next("/next") }</script>`:         "",
		`<meta http-equiv="refresh" content="30">`:                             "",
		`<p>window.location = "/next"</p>`:                                     "",
	} {
		page := &Page{URL: "http://host/page", Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: body}
		got := ""
		if target := parsePage(page).target; target != nil {
			got = target.String()
		}
		if got != want {
			t.Errorf("%s: leads to %q, want %q", body, got, want)
		}
	}
}
