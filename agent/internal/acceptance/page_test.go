//go:build browser

package acceptance

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

const (
	authorizeButton = chromedp.CSS(`[data-testid="authorize-button"]`)
	denyButton      = chromedp.CSS(`[data-testid="deny-button"]`)
)

// longError is what a gateway before GitLab might answer: many words, and one that
// fits in no line.
const longError = `{"error":"temporarily_unavailable","error_description":"The gateway in front of this service has ` +
	`postponed the request, since the policy https://policies.example.com/gateways/eu-central/` +
	`authorization-servers/token-exchange-policies/maintenance-windows?window=nightly does not let tokens be issued now. ` +
	`Nothing is wrong with your account."}`

// TestCallbackPage signs in with Chromium, to see what only a browser shows of
// the page on which the person ends.
func TestCallbackPage(t *testing.T) {
	tests := []struct {
		name   string // of the pictures
		user   string // the person's name
		before func(*providertest.GitLab, providertest.Application)
		press  chromedp.CSS
		title  string
		text   []string // on the page
		code   protocol.Code
	}{
		{
			name: "callback-success", user: "Sam Example", press: authorizeButton,
			title: "You are signed in · CodeStream", text: []string{"You are signed in", "Sam Example", "@sam"},
		},
		{
			name: "callback-failure", user: "Sam Example", press: denyButton,
			title: "You did not give access · CodeStream", text: []string{"Nothing was changed", "press Authorize"},
			code: protocol.SignInDenied,
		},
		{
			name: "callback-error", user: "Sam Example", press: authorizeButton,
			before: func(g *providertest.GitLab, app providertest.Application) { g.RenewSecret(app.ID) },
			title:  "The sign-in did not work · CodeStream", text: []string{"application ID", "administrator", "InvalidClient"},
			code: protocol.InvalidClient,
		},
		{
			name: "callback-long-error", user: "Sam Example", press: authorizeButton,
			before: func(g *providertest.GitLab, _ providertest.Application) {
				g.SetFault(providertest.EndpointToken, providertest.Fault{Status: http.StatusBadRequest, Body: longError})
			},
			title: "The sign-in did not work · CodeStream", text: []string{"token-exchange-policies", "administrator", "GitLabError"},
			code: protocol.GitLabError,
		},
		{
			name: "callback-long-name", press: authorizeButton,
			user:  "Maximiliane Alexandra Freifrau von und zu Hohenstein-Waldeck-Pyrmont " + strings.Repeat("Wolfeschlegelsteinhausenbergerdorff", 3),
			title: "You are signed in · CodeStream", text: []string{"Hohenstein-Waldeck-Pyrmont", "@sam"},
		},
	}
	chromium := startChromium(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			gitlab, err := providertest.StartGitLab(providertest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(gitlab.Close)
			sam := gitlab.AddUser(providertest.User{Username: "sam", Name: test.user})
			app := gitlab.AddApplication(providertest.Application{
				Name: "CodeStream", RedirectURIs: []string{auth.DefaultRedirectURI}, Scopes: []string{"api"}, Confidential: true,
			})
			w := openWindow(t, t.TempDir(), providertest.SecretPrefix)
			ask(w, protocol.Configure, protocol.ConfigureParams{
				URL: gitlab.URL(), Name: "The team's GitLab", ClientID: app.ID, ClientSecret: app.Secret,
			})
			if test.before != nil {
				test.before(gitlab, app)
			}
			s := w.startSignIn(protocol.AuthenticateParams{})
			b := openTab(t, chromium)
			b.prefer("light")
			b.do(
				chromedp.EmulateViewport(1280, 800),
				chromedp.Navigate(s.AuthorizeURL),
				chromedp.SendKeys(chromedp.CSS("#user_login"), sam.Username),
				chromedp.SendKeys(chromedp.CSS("#user_password"), sam.Password),
				chromedp.Click(chromedp.CSS(`[name="commit"]`)),
				chromedp.Click(test.press),
				chromedp.WaitVisible(chromedp.CSS("main > h1 ~ dl")),
			)
			_, err = s.wait()
			if test.code == 0 && err != nil {
				t.Error("authenticate:", err)
			} else if test.code != 0 {
				refused(t, err, test.code)
			}
			b.checkPage(test.title, append(test.text, "The team's GitLab", gitlab.URL()))
			b.checkHidden()
			b.checkAnswer()
			b.checkQuiet(gitlab.URL(), originOf(t, s.RedirectURI))
			b.picture(test.name)
			b.prefer("dark")
			b.picture(test.name + "-dark")
			b.checkNarrow()
			w.close()
			for _, violation := range gitlab.Violations() {
				t.Error("GitLab objects:", violation)
			}
		})
	}
}

// checkPage reads the page as a person does.
func (b *tab) checkPage(title string, texts []string) {
	b.t.Helper()
	if got := read(b, chromedp.Title()); got != title {
		b.t.Errorf("the title is %q, want %q", got, title)
	}
	text := read(b, chromedp.Text(chromedp.CSS("body")))
	for _, want := range texts {
		if !strings.Contains(text, want) {
			b.t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	// A policy with a wrong hash would leave the page without its style.
	if display := read(b, chromedp.Evaluate[string](`getComputedStyle(document.body).display`)); display != "grid" {
		b.t.Errorf("the page has no style: its display is %q", display)
	}
}

// checkNarrow looks at the page in a window as narrow as WCAG 2.2 asks for
// (success criterion 1.4.10): nothing must be scrolled sideways.
func (b *tab) checkNarrow() {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(320, 640))
	if wider := read(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`)); wider > 0 {
		b.t.Errorf("the page is %d pixels wider than a window of 320", wider)
	}
}

// checkHidden looks for the code where the next person at this machine, or the
// next page, could find it.
func (b *tab) checkHidden() {
	b.t.Helper()
	history := read(b, chromedp.NavigationEntries())
	places := []string{read(b, chromedp.Location()), read(b, chromedp.Evaluate[string](`document.referrer`))}
	for _, entry := range history.Entries {
		places = append(places, entry.URL, entry.UserTypedURL, entry.Title)
	}
	for _, place := range places {
		u, err := url.Parse(place)
		if err == nil && (u.Query().Has("code") || u.Query().Has("error")) || strings.Contains(place, "code=") {
			b.t.Errorf("the browser remembers the callback: %s", place)
		}
	}
}

// checkAnswer looks at how the page was answered.
func (b *tab) checkAnswer() {
	b.t.Helper()
	document := b.document(read(b, chromedp.Location()))
	if document == nil {
		b.t.Fatal("the browser has not seen the page's answer")
	}
	if document.Status != http.StatusOK {
		b.t.Errorf("the page's status is %d", document.Status)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store",
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
	} {
		if got, _ := document.Headers[name].(string); !strings.Contains(got, want) {
			b.t.Errorf("the header %s is %q, want %q in it", name, got, want)
		}
	}
}

// checkQuiet looks at what the pages did beside being there: they ask nobody but
// GitLab and the agent, and nothing goes wrong.
func (b *tab) checkQuiet(origins ...string) {
	b.t.Helper()
	if strangers := b.strangers(origins...); len(strangers) > 0 {
		b.t.Errorf("the browser asked others: %q", strangers)
	}
	if red := b.errors(); len(red) > 0 {
		b.t.Errorf("the console shows errors: %q", red)
	}
}

// picture keeps what the tab shows, for people to look at.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := filepath.Join(repository, "out")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), read(b, chromedp.CaptureScreenshot()), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func originOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Scheme + "://" + u.Host
}
