//go:build doorkeeper

package acceptance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestConfigureRefusesApplication configures with what GitLab does not accept.
// Nothing of it is kept.
func TestConfigureRefusesApplication(t *testing.T) {
	t.Parallel()
	app := standard()
	public := oauthApplication{Name: "Public", UID: "public", Secret: "its-own", RedirectURI: app.RedirectURI, Scopes: "api"}
	d := startDoorkeeper(t, nil, app, public)
	tests := []struct{ name, clientID, clientSecret string }{
		{"wrong secret", app.UID, "gloas-another"},
		{"no secret", app.UID, ""},
		{"wrong ID", "0d1f7c9a5a6f4b0e8a40", app.Secret},
		{"ID and secret exchanged", app.Secret, app.UID},
		{"public, with a wrong secret", public.UID, "gloas-another"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dataDir := t.TempDir()
			w := openWindow(t, dataDir)
			_, err := call(w, protocol.Configure, protocol.ConfigureParams{
				URL: d.url, ClientID: test.clientID, ClientSecret: test.clientSecret,
			})
			if data := refused(t, err, protocol.InvalidClient); data.Instance != d.url || data.Hint == "" {
				t.Errorf("the error is %+v", data)
			}
			if in := ask(w, protocol.Status, protocol.StatusParams{}).Instances; len(in) != 0 {
				t.Errorf("status tells of %+v", in)
			}
			w.close()
			err = store.New(dataDir, store.Options{}).View(func(tx *store.Tx) error {
				instances, err := tx.Instances()
				if len(instances) != 0 {
					t.Errorf("the store has %+v", instances)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestConfigureKeepsEarlierApplication replaces an application by a wrong one:
// the right one and its account stay.
func TestConfigureKeepsEarlierApplication(t *testing.T) {
	t.Parallel()
	_, w := signedIn(t, nil)
	before := w.onlyInstance()
	_, err := call(w, protocol.Configure, protocol.ConfigureParams{URL: before.URL, ClientID: "another", ClientSecret: "gloas-another"})
	refused(t, err, protocol.InvalidClient)
	if after := w.onlyInstance(); after.ClientID != before.ClientID || len(after.Auth.Accounts) != 1 {
		t.Errorf("the instance is now %+v", after)
	}
	ask(w, protocol.CurrentUser, protocol.CurrentUserParams{})
}

// TestPagesThatNeverComeBack signs in where GitLab shows an error instead of
// sending the browser back. The agent hears nothing, and has to say what can be
// the matter.
func TestPagesThatNeverComeBack(t *testing.T) {
	t.Parallel()
	app := standard()
	elsewhere := oauthApplication{Name: "Elsewhere", UID: "elsewhere", Secret: "gloas-2", RedirectURI: "http://127.0.0.1/elsewhere", Scopes: "api", Confidential: true}
	otherHost := oauthApplication{Name: "Other host", UID: "other-host", Secret: "gloas-3", RedirectURI: "http://127.0.0.2/no-auth/provider-token/gitlab_enterprise", Scopes: "api", Confidential: true}
	narrow := oauthApplication{Name: "Narrow", UID: "narrow", Secret: "gloas-4", RedirectURI: app.RedirectURI, Scopes: "read_user", Confidential: true}
	d := startDoorkeeper(t, nil, elsewhere, otherHost, narrow)
	unverified := false
	custom := "http://127.0.0.1/oauth/callback"
	tests := []struct {
		name   string
		params protocol.ConfigureParams
		page   string // part of GitLab's sentence
	}{
		{"wrong ID", protocol.ConfigureParams{ClientID: app.UID, ClientSecret: app.Secret, Verify: &unverified}, "unknown client"},
		{"wrong redirect path", protocol.ConfigureParams{ClientID: elsewhere.UID, ClientSecret: elsewhere.Secret}, "redirect"},
		{"wrong redirect path of one's own", protocol.ConfigureParams{ClientID: elsewhere.UID, ClientSecret: elsewhere.Secret, RedirectURI: custom}, "redirect"},
		{"wrong loopback address", protocol.ConfigureParams{ClientID: otherHost.UID, ClientSecret: otherHost.Secret}, "redirect"},
		{"wrong scope", protocol.ConfigureParams{ClientID: narrow.UID, ClientSecret: narrow.Secret}, "scope"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := openWindow(t, t.TempDir(), test.params.ClientSecret)
			test.params.URL = d.url
			ask(w, protocol.Configure, test.params)
			s := w.startSignIn(protocol.AuthenticateParams{TimeoutSeconds: 1})
			page, err := d.browser().Approve(w.ctx, s.AuthorizeURL)
			if err != nil {
				t.Fatal(err)
			}
			if page.Status != http.StatusOK || !strings.HasPrefix(page.URL, d.url) || !strings.Contains(page.Body, test.page) {
				t.Errorf("the browser ended on %s with %d, want %q:\n%s", page.URL, page.Status, test.page, page.Body)
			}
			_, err = s.wait()
			data := refused(t, err, protocol.SignInTimeout)
			register := auth.RegisteredRedirect(test.params.RedirectURI)
			if !slices.Contains(strings.FieldsFunc(data.Hint, func(r rune) bool { return strings.ContainsRune(" ;,", r) }), register) {
				t.Errorf("the hint lacks the line to register, %s: %s", register, data.Hint)
			}
			if data.Details == nil || data.Details.RedirectURI != register || data.Instance != d.url {
				t.Errorf("the error is %+v", data)
			}
			if in := w.onlyInstance(); in.Auth.State != protocol.StateSignedOut {
				t.Errorf("the state is %s", in.Auth.State)
			}
		})
	}
}

// TestSecretGoneWrong signs in with a secret that GitLab does not accept, which
// only the exchange tells: the person has approved by then.
func TestSecretGoneWrong(t *testing.T) {
	t.Parallel()
	app := standard()
	d := startDoorkeeper(t, nil, app)
	w := openWindow(t, t.TempDir(), "gloas-from-last-year")
	unverified := false
	ask(w, protocol.Configure, protocol.ConfigureParams{
		URL: d.url, ClientID: app.UID, ClientSecret: "gloas-from-last-year", Verify: &unverified,
	})
	s := w.startSignIn(protocol.AuthenticateParams{})
	page, err := d.browser().Approve(w.ctx, s.AuthorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	if page.Status != http.StatusOK || !strings.Contains(page.Body, protocol.InvalidClient.Name()) {
		t.Errorf("the browser ended on %s with %d:\n%s", page.Title, page.Status, page.Body)
	}
	_, err = s.wait()
	refused(t, err, protocol.InvalidClient)
	if exchanges := d.journal().grants("authorization_code"); len(exchanges) != 1 {
		t.Errorf("the code was offered %d times", len(exchanges))
	}
	ask(w, protocol.Configure, protocol.ConfigureParams{URL: d.url, ClientID: app.UID, ClientSecret: app.Secret})
	again := w.startSignIn(protocol.AuthenticateParams{})
	d.approve(again)
	again.account()
}
