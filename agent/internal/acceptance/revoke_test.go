//go:build doorkeeper

package acceptance

import (
	"net/http"
	"slices"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestDisconnectRevokes signs out: both tokens are dead at GitLab afterwards, and
// nothing is left of them here.
func TestDisconnectRevokes(t *testing.T) {
	t.Parallel()
	d, w := signedIn(t, nil)
	old := w.stored()
	if status := d.userStatus(old.access); status != http.StatusOK {
		t.Fatalf("the API answers %d to the access token before", status)
	}
	result := ask(w, protocol.Disconnect, protocol.DisconnectParams{})
	if !result.Revoked || len(result.Warnings) > 0 {
		t.Errorf("disconnect: %+v", result)
	}
	checkRevocation(t, d.journal())
	checkDead(t, d, old)
	checkSignedOut(t, w)
	if got := w.changes(); got[len(got)-1] != "signedOut" || slices.Index(got, "signedOut") != len(got)-1 {
		t.Errorf("the window was told %q, want signedOut once at the end", got)
	}
}

// TestDisconnectAfterExpiry signs out when the access token has run out.
// Doorkeeper before 5.8.1 answers 200 to the revocation of such a token, and
// leaves its refresh token alive for good: the pair has to be refreshed first. The
// clock here cannot tell alone, since it may be slow.
func TestDisconnectAfterExpiry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		env    []string
		expire func(*doorkeeper, *window, stored)
	}{
		{"by both clocks", []string{"DOORKEEPER_TOKEN_LIFETIME=5"}, func(d *doorkeeper, w *window, s stored) { s.untilExpired(w.ctx, d) }},
		{"by GitLab's clock", nil, func(d *doorkeeper, _ *window, _ stored) { d.expireTokens() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, w := signedIn(t, test.env)
			old := w.stored()
			test.expire(d, w, old)
			if status := d.userStatus(old.access); status != http.StatusUnauthorized {
				t.Fatalf("the API answers %d to the expired token", status)
			}
			result := ask(w, protocol.Disconnect, protocol.DisconnectParams{})
			if !result.Revoked || len(result.Warnings) > 0 {
				t.Errorf("disconnect: %+v", result)
			}
			j := d.journal()
			checkRevocation(t, j)
			checkDead(t, d, old)
			checkSignedOut(t, w)
			checkRefresh(t, j) // its success also proves that there was something to kill
		})
	}
}

// checkRevocation looks at how GitLab was told.
func checkRevocation(t *testing.T, j journal) {
	t.Helper()
	revocations := j.find(http.MethodPost, "/oauth/revoke")
	if len(revocations) == 0 {
		t.Fatal("nothing was revoked")
	}
	want := []string{"client_id", "client_secret", "token"}
	for _, e := range revocations {
		if e.Status != http.StatusOK || !slices.Equal(slices.Sorted(slices.Values(e.Parameters)), want) || len(e.Query) > 0 || e.Authorization != "" {
			t.Errorf("the revocation was %+v, want the parameters %q in the body", e, want)
		}
	}
}

// checkDead asks GitLab for what a thief of the tokens would ask. It then counts
// those that GitLab would still accept, which proves the same of tokens that were
// never seen here.
func checkDead(t *testing.T, d *doorkeeper, old stored) {
	t.Helper()
	if status := d.userStatus(old.access); status != http.StatusUnauthorized {
		t.Errorf("the API answers %d to the old access token", status)
	}
	if word := d.refreshError(standard(), old.refresh); word != "invalid_grant" {
		t.Errorf("to the old refresh token GitLab says %q, want invalid_grant", word)
	}
	if alive := d.revokeTokens(); alive != 0 {
		t.Errorf("%d of the user's tokens were alive", alive)
	}
}

// checkSignedOut asks the agent for what nobody signed in for.
func checkSignedOut(t *testing.T, w *window) {
	t.Helper()
	if in := w.onlyInstance(); in.Auth.State != protocol.StateSignedOut || len(in.Auth.Accounts) != 0 {
		t.Errorf("the state is %+v", in.Auth)
	}
	_, err := call(w, protocol.Token, protocol.TokenParams{})
	refused(t, err, protocol.SignInRequired)
}

// TestDisconnectAfterSigningInAgain signs in twice before it signs out. The
// tokens of the first sign-in must not outlive the account.
func TestDisconnectAfterSigningInAgain(t *testing.T) {
	t.Parallel()
	d, w := signedIn(t, nil)
	old := w.stored()
	s := w.startSignIn(protocol.AuthenticateParams{})
	d.approve(s)
	s.account()
	ask(w, protocol.Disconnect, protocol.DisconnectParams{})
	checkDead(t, d, old)
}

// TestRevokedAtServer is the person who presses Revoke on GitLab's page: each
// window is told once, and nobody asks GitLab again until they sign in.
func TestRevokedAtServer(t *testing.T) {
	t.Parallel()
	d, w := signedIn(t, nil)
	second := openWindow(t, w.dataDir, w.secrets...)
	ask(second, protocol.Status, protocol.StatusParams{})
	if alive := d.revokeTokens(); alive != 1 {
		t.Fatalf("%d tokens were alive, want 1", alive)
	}
	_, err := call(w, protocol.CurrentUser, protocol.CurrentUserParams{})
	if data := refused(t, err, protocol.SignInRequired); data.Instance != d.url || data.Hint == "" {
		t.Errorf("the error is %+v", data)
	}
	if refreshes := d.journal().grants("refresh_token"); len(refreshes) != 1 {
		t.Errorf("there were the refreshes %+v, want one", refreshes)
	}
	second.awaitChange("signInRequired revoked")
	before := d.journal()
	for _, w := range []*window{w, second} {
		_, err = call(w, protocol.CallAPI, protocol.CallAPIParams{Path: "/projects"})
		refused(t, err, protocol.SignInRequired)
		if in := w.onlyInstance(); in.Auth.State != protocol.StateSignInRequired || in.Auth.Reason != "revoked" {
			t.Errorf("the state is %+v", in.Auth)
		}
	}
	if asked := d.journal().since(before).Requests; len(asked) > 0 {
		t.Errorf("GitLab was asked %+v, though it had refused", asked)
	}
	if got, want := second.changes(), []string{"signInRequired revoked"}; !slices.Equal(got, want) {
		t.Errorf("the second window was told %q, want %q", got, want)
	}
	s := w.startSignIn(protocol.AuthenticateParams{})
	d.approve(s)
	s.account()
	if got, want := w.changes(), []string{"signedIn", "signInRequired revoked", "signedIn"}; !slices.Equal(got, want) {
		t.Errorf("the window was told %q, want %q", got, want)
	}
}
