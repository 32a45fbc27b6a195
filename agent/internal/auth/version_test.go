package auth_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// learnt says what is known of the instance.
func (w *world) learnt(version string, age time.Duration) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error { return tx.SetVersion(w.URL(), version, time.Now().Add(-age)) })
}

// announcing is a manager that tells of each change.
func (w *world) announcing() (*auth.Manager, <-chan struct{}) {
	changed := make(chan struct{}, 100)
	return w.manager(func(c *auth.Config) { c.Changed = func() { changed <- struct{}{} } }), changed
}

func (w *world) questions() int { return w.Count(http.MethodGet, "/api/v4/version") }

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s does not come", what)
	}
}

func TestAVersionThatWasSeenLongAgoIsLearntAgain(t *testing.T) {
	for name, c := range map[string]struct {
		version string
		age     time.Duration
	}{
		"of yesterday":             {"13.5.1", 25 * time.Hour},
		"the same, of yesterday":   {"17.11.0", 25 * time.Hour},
		"from a clock that is off": {"13.5.1", -25 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.signedIn(0, true)
			w.learnt(c.version, c.age)
			w.update(func(tx *store.Tx) error { return tx.SetNoDeviceGrant(w.URL(), true) })
			m, changed := w.announcing()
			if err := w.currentUser(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			await(t, "the version", changed)
			in := w.instance()
			if in.Version != "17.11.0" || time.Since(in.VersionAt) > patience || in.VersionAt.After(time.Now()) {
				t.Errorf("known is %q, seen at %v", in.Version, in.VersionAt)
			}
			if in.NoDeviceGrant != (c.version == "17.11.0") {
				t.Errorf("that there is no device grant is known: %t; it was learnt of version %s", in.NoDeviceGrant, c.version)
			}
			if err := w.currentUser(t.Context(), m); err != nil || w.questions() != 1 {
				t.Errorf("it was asked for %d times, want once: %v", w.questions(), err)
			}
		})
	}
}

func TestAVersionIsLearntAtARefresh(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	w.learnt("13.5.1", 25*time.Hour)
	m, changed := w.announcing()
	if _, err := m.Token(t.Context(), w.key(), time.Minute); err != nil {
		t.Fatal(err)
	}
	await(t, "the refresh", changed)
	await(t, "the version", changed)
	if got := w.instance().Version; got != "17.11.0" {
		t.Errorf("known is %q", got)
	}
}

func TestAVersionThatIsNotToldIsLeftAlone(t *testing.T) {
	w := newWorld(t, settings{})
	before := w.signedIn(0, true)
	w.learnt("13.5.1", 25*time.Hour)
	w.SetFault(providertest.EndpointVersion, providertest.Fault{Status: http.StatusUnauthorized})
	m := w.manager(nil)
	for range 3 {
		if err := w.currentUser(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if err := w.Await(t.Context(), http.MethodGet, "/api/v4/version", 1); err != nil {
			t.Fatal(err)
		}
	}
	m.Close(t.Context())
	if w.questions() != 1 {
		t.Errorf("it was asked for %d times, want once", w.questions())
	}
	account, after, err := w.saved()
	if err != nil || account.Refused != "" || after.Access != before.Access || w.instance().Version != "13.5.1" {
		t.Errorf("the account is %+v, the version %s: %v", account, w.instance().Version, err)
	}
}

// Whoever calls does not wait for the version, and neither does the end of the
// process.
func TestNobodyWaitsForTheVersion(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(0, true)
	w.learnt("13.5.1", 25*time.Hour)
	w.SetFault(providertest.EndpointVersion, providertest.Fault{Hold: make(chan struct{})})
	m := w.manager(nil)
	if err := w.currentUser(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := w.Await(t.Context(), http.MethodGet, "/api/v4/version", 1); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { m.Close(t.Context()); close(ended) }()
	await(t, "the end", ended)
}

func TestOldVersionsHaveNoDeviceGrant(t *testing.T) {
	for version, want := range map[string]bool{"17.1.8": true, "17.2.0": false} {
		w := newWorld(t, settings{options: providertest.Options{Version: version}})
		w.signedIn(0, true)
		w.learnt("17.11.0", 25*time.Hour)
		m, changed := w.announcing()
		if err := w.currentUser(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		await(t, "the version", changed)
		if got := w.instance().NoDeviceGrant; got != want {
			t.Errorf("%s has no device grant: %t", version, got)
		}
	}
}

func TestWarningsOfOldVersions(t *testing.T) {
	const without, with = "http://127.0.0.1/callback", "http://127.0.0.1:4711/callback"
	for _, c := range []struct {
		version, clientID, redirect string
		want                        []string // one a warning
	}{
		{"", "app", without, nil},
		{"17.11.0", "app", without, nil},
		{"13.9.0", "app", without, nil},
		{"13.8.8-ee", "app", without, []string{"http://127.0.0.1:29630/callback"}},
		{"13.8.8-ee", "app", "", []string{"http://127.0.0.1:29630/no-auth/provider-token/gitlab_enterprise"}},
		{"13.8.8-ee", "app", "http://[::1]/callback", []string{"http://[::1]:29630/callback"}},
		{"13.8.8-ee", "app", with, nil},
		{"13.8.8-ee", "app", "vscode://teamcodestream.codestream/callback", nil},
		{"13.8.8-ee", "", without, nil}, // nobody signs in in the browser there
		{"10.8.7", "", without, []string{"older than 11.0"}},
		{"10.8.7", "app", without, []string{"older than 11.0", ":29630/"}},
	} {
		m := newWorld(t, settings{}).manager(nil)
		got := m.Warnings(store.Instance{ClientID: c.clientID, Confidential: c.clientID != "", RedirectURI: c.redirect, Learnt: store.Learnt{Version: c.version}})
		if len(got) != len(c.want) {
			t.Errorf("%q, %q, %q: %q, want %q", c.version, c.clientID, c.redirect, got, c.want)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], c.want[i]) {
				t.Errorf("%q, %q, %q: %q, want %q", c.version, c.clientID, c.redirect, got[i], c.want[i])
			}
		}
	}
}

// A version that was seen lately spares the user GitLab's error page. One that was
// seen long ago does not keep anybody from trying.
func TestASignInThatCannotComeBackIsRefused(t *testing.T) {
	w := newWorld(t, settings{options: providertest.Options{Version: "13.8.8"}})
	signIn := func() error {
		_, err := w.manager(nil).SignIn(t.Context(), w.instance(), auth.SignInOptions{
			Timeout: time.Millisecond, Started: func(protocol.DidStartAuthenticationParams, string) {}, Returned: func() {},
		})
		return err
	}
	for _, c := range []struct {
		version  string
		age      time.Duration
		want     error
		redirect string // of the details
		hint     string
	}{
		{"13.8.8", time.Hour, protocol.InvalidRedirect, "http://127.0.0.1:29630/no-auth/provider-token/gitlab_enterprise", "Register http://127.0.0.1:29630/"},
		{"13.8.8", 25 * time.Hour, protocol.SignInTimeout, "http://127.0.0.1:29630/no-auth/provider-token/gitlab_enterprise", "Register http://127.0.0.1:29630/"},
		{"", 0, protocol.SignInTimeout, auth.DefaultRedirectURI, "A GitLab before 13.9 compares the port too: Register http://127.0.0.1:29630/"},
		{"17.11.0", time.Hour, protocol.SignInTimeout, auth.DefaultRedirectURI, ""},
	} {
		w.learnt(c.version, c.age)
		err := signIn()
		var known *protocol.Error
		if !errors.Is(err, c.want) || !errors.As(err, &known) {
			t.Fatalf("%q, %v ago: %v, want %v", c.version, c.age, err, c.want)
		}
		if known.Details.RedirectURI != c.redirect {
			t.Errorf("%q, %v ago: the line to register is %s", c.version, c.age, known.Details.RedirectURI)
		}
		if !strings.Contains(known.Hint, c.hint) || c.hint == "" && strings.Contains(known.Hint, ":29630") {
			t.Errorf("%q, %v ago: the hint is %s", c.version, c.age, known.Hint)
		}
	}
}

// Before PKCE the client secret guards the code of a sign-in, where there is one.
func TestAPublicApplicationWithoutPKCEIsWarnedAbout(t *testing.T) {
	for _, c := range []struct {
		version, clientID string
		confidential      bool
		warned            bool
	}{
		{"13.7.9-ee", "app", false, true},
		{"13.7.9-ee", "app", true, false},
		{"13.7.9-ee", "", false, false}, // nobody signs in in the browser there
		{"13.8.0", "app", false, false},
		{"", "app", false, false}, // not known
	} {
		m := newWorld(t, settings{}).manager(nil)
		got := m.Warnings(store.Instance{
			ClientID: c.clientID, Confidential: c.confidential, RedirectURI: "http://127.0.0.1:4711/callback", Learnt: store.Learnt{Version: c.version},
		})
		if c.warned != (len(got) == 1) || c.warned && !strings.Contains(got[0], "has no PKCE") {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
