package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

func wantFinding(t *testing.T, name string, got finding, status protocol.CheckStatus, detail string) {
	t.Helper()
	if got.status != status || !strings.Contains(got.detail, detail) {
		t.Errorf("%s: got %+v, want %s with %q", name, got, status, detail)
	}
	if (status == protocol.CheckWarn || status == protocol.CheckFail) != (got.hint != "") {
		t.Errorf("%s: %s with the hint %q", name, status, got.hint)
	}
}

func TestACertificateThatSoonEnds(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	state := func(left time.Duration) *tls.ConnectionState {
		return &tls.ConnectionState{Version: tls.VersionTLS12, PeerCertificates: []*x509.Certificate{{
			Subject: pkix.Name{CommonName: "gitlab.example.com"}, Issuer: pkix.Name{CommonName: "Example CA\n" + strings.Repeat("x", 2*maxName)},
			NotAfter: now.Add(left),
		}}}
	}
	wantFinding(t, "in a month", describeTLS(state(30*24*time.Hour), now), protocol.CheckPass, "TLS 1.2; the certificate of CN=gitlab.example.com, issued by CN=Example CA")
	wantFinding(t, "in 15 days", describeTLS(state(15*24*time.Hour), now), protocol.CheckPass, "valid until 2026-03-16")
	wantFinding(t, "in 13 days", describeTLS(state(13*24*time.Hour), now), protocol.CheckWarn, "valid until 2026-03-14")
	if got := describeTLS(state(0), now).detail; strings.Contains(got, "\n") || len(got) > 3*maxName {
		t.Errorf("a stranger's words are as they were: %q", got)
	}
}

func TestClocks(t *testing.T) {
	sent := time.Date(2026, time.March, 1, 12, 0, 0, 900_000_000, time.UTC)
	received := sent.Add(30 * time.Second) // a slow line is no difference
	for _, c := range []struct {
		name   string
		theirs time.Time
		status protocol.CheckStatus
		detail string
	}{
		{"written at the beginning", sent.Truncate(time.Second), protocol.CheckPass, "agrees"},
		{"written at the end", received.Truncate(time.Second), protocol.CheckPass, "agrees"},
		{"a minute ago", sent.Add(-60 * time.Second).Truncate(time.Second), protocol.CheckPass, "agrees"},
		{"two minutes ago", sent.Add(-2 * time.Minute).Truncate(time.Second), protocol.CheckWarn, "at least 2m0s ahead"},
		{"in an hour", received.Add(time.Hour), protocol.CheckWarn, "at least 1h0m0s behind"},
	} {
		wantFinding(t, c.name, describeSkew(skew(c.theirs, sent, received)), c.status, c.detail)
	}
}

func TestRateLimits(t *testing.T) {
	for _, c := range []struct {
		limit, left, reset string
		status             protocol.CheckStatus
		detail             string
	}{
		{"", "", "", protocol.CheckPass, "no limit"},
		{"600", "", "", protocol.CheckPass, "no limit"},
		{"0", "0", "", protocol.CheckPass, "no limit"},
		{"many", "few", "", protocol.CheckPass, "no limit"},
		{"600", "60", "", protocol.CheckPass, "60 of 600 requests are left"},
		{"600", "59", "0", protocol.CheckWarn, "59 of 600 requests are left"},
		{"600", "0", "1893456000", protocol.CheckWarn, "until 2030-01-01T00:00:00Z"},
	} {
		h := http.Header{"Ratelimit-Limit": {c.limit}, "Ratelimit-Remaining": {c.left}, "Ratelimit-Reset": {c.reset}}
		wantFinding(t, c.limit+"/"+c.left, describeLimit(h), c.status, c.detail)
	}
}

func TestTokens(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	in := store.Instance{Scopes: []string{"api"}}
	oauth := func(left time.Duration, scopes ...string) store.Account {
		return store.Account{Method: protocol.MethodBrowser, Scopes: scopes, ExpiresAt: now.Add(left)}
	}
	personal := func(left time.Duration) store.Account {
		return store.Account{Method: protocol.MethodToken, TokenKind: protocol.TokenGroup, Scopes: []string{"api"}, ExpiresAt: now.Add(left)}
	}
	wantFinding(t, "good", describeToken(in, oauth(time.Hour, "api"), true, now), protocol.CheckPass, "ends at 2026-03-01T13:00:00Z and is refreshed")
	wantFinding(t, "to be refreshed", describeToken(in, oauth(-time.Hour, "api"), true, now), protocol.CheckPass, "ended at")
	wantFinding(t, "no refresh token", describeToken(in, oauth(time.Hour, "api"), false, now), protocol.CheckPass, "without a refresh token")
	wantFinding(t, "ended for good", describeToken(in, oauth(-time.Hour, "api"), false, now), protocol.CheckFail, "ended at")
	wantFinding(t, "less than asked for", describeToken(in, oauth(time.Hour, "read_user"), true, now), protocol.CheckWarn, "lacks the scope api")
	wantFinding(t, "scopes not told", describeToken(in, oauth(time.Hour), true, now), protocol.CheckPass, "browser, which")
	wantFinding(t, "a group's", describeToken(in, personal(30*24*time.Hour), false, now), protocol.CheckPass, "a group access token")
	wantFinding(t, "ends soon", describeToken(in, personal(3*24*time.Hour), false, now), protocol.CheckWarn, "ends at")
	wantFinding(t, "has ended", describeToken(in, personal(-time.Hour), false, now), protocol.CheckFail, "ended at")
}

func TestVersions(t *testing.T) {
	of := func(in store.Instance) *patient {
		return &patient{Doctor: &Doctor{Provider: gitlabsm.Provider{}}, Case: Case{Instance: in}}
	}
	public := of(store.Instance{ClientID: "x"})
	confidential := of(store.Instance{ClientID: "x", Confidential: true})
	wantFinding(t, "new", public.describeVersion("19.1.0-ee"), protocol.CheckPass, "GitLab 19.1.0-ee")
	wantFinding(t, "no device grant", public.describeVersion("17.1.9"), protocol.CheckPass, "GitLab 17.1.9: it has no device sign-in (before 17.2)")
	wantFinding(t, "old", public.describeVersion("13.8.8"), protocol.CheckPass, "compares the port")
	wantFinding(t, "no PKCE, public", public.describeVersion("13.7.9"), protocol.CheckWarn, "has no PKCE")
	wantFinding(t, "no PKCE, confidential", confidential.describeVersion("13.7.9"), protocol.CheckPass, "it ignores PKCE")
	wantFinding(t, "no PKCE, no application", of(store.Instance{}).describeVersion("13.7.9"), protocol.CheckPass, "it ignores PKCE")
	wantFinding(t, "too old", confidential.describeVersion("10.8.7"), protocol.CheckWarn, "older than 11.0")
	wantFinding(t, "of another form", public.describeVersion("master"), protocol.CheckPass, "GitLab master")
	wantFinding(t, "of another form, too", public.describeVersion("12.x"), protocol.CheckPass, "GitLab 12.x")
}

func TestARedirectThatWasUsed(t *testing.T) {
	for _, c := range []struct {
		registered, used string
		want             bool
	}{
		{"http://127.0.0.1/a", "http://127.0.0.1:40123/a", true},
		{"http://[::1]/a", "http://[::1]:40123/a", true},
		{"http://localhost:7000/a", "http://localhost:7000/a", true},
		{"vscode://example.agent/a", "vscode://example.agent/a", true},
		{"http://127.0.0.1/a", "http://127.0.0.1:40123/b", false},
		{"http://127.0.0.1:7000/a", "http://127.0.0.1:40123/a", false},
		{"http://127.0.0.1/a", "", false},
		{"http://127.0.0.1/a", "http://127.0.0.1:port/a", false},
	} {
		if got := cameBackTo(c.registered, c.used); got != c.want {
			t.Errorf("cameBackTo(%q, %q): got %v", c.registered, c.used, got)
		}
	}
}

func TestNamesAreTakenOut(t *testing.T) {
	p := &patient{Doctor: &Doctor{}, account: &patientAccount{Account: store.Account{ID: "7", User: protocol.User{
		Username: "sam", Name: "Sam Example", Email: "sam@example.com",
	}}}}
	text := "sam (Sam Example, sam@example.com) has the same sample, sam."
	want := "account 7 (account 7, account 7) has the same sample, account 7."
	if got := p.nameless(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.account.User = protocol.User{}
	if got := p.nameless(text); got != text {
		t.Errorf("without a name, got %q", got)
	}
	p.Names, p.account.User.Username = true, "sam"
	if got := p.nameless(text); got != text {
		t.Errorf("on request, got %q", got)
	}
}
