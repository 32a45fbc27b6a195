package agent_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// A life with each version of GitLab: sign in in the browser, call the API, lose
// the access token, and sign out; then the other ways in, and what it lacks.
func TestVersionsOfGitLab(t *testing.T) {
	for _, c := range []struct {
		version   string
		fixedPort bool // it compares the port, so the redirect URI needs one
		noPKCE    bool // it refuses a code with a verifier, so a sign-in takes one request more
		expires   bool
		revokes   bool // a personal access token can revoke itself
		tells     bool // and tell its scopes
		device    bool // the device grant is there
	}{
		{version: "11.0.0", fixedPort: true},
		{version: "12.7.9-ee", fixedPort: true},
		{version: "12.10.14", fixedPort: true, noPKCE: true},
		{version: "13.0.14-ee", fixedPort: true, noPKCE: true},
		{version: "13.8.8", fixedPort: true},
		{version: "13.9.7"},
		{version: "13.12.15-ee"},
		{version: "14.10.5"},
		{version: "15.0.0", expires: true, revokes: true},
		{version: "15.5.9", expires: true, revokes: true, tells: true},
		{version: "16.11.10-ee", expires: true, revokes: true, tells: true},
		{version: "17.1.8", expires: true, revokes: true, tells: true},
		{version: "17.2.0-pre", expires: true, revokes: true, tells: true, device: true},
		{version: "17.11.0", expires: true, revokes: true, tells: true, device: true},
		{version: "18.5.1-ee", expires: true, revokes: true, tells: true, device: true},
		{version: "19.0.0", expires: true, revokes: true, tells: true, device: true},
	} {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			redirect := ""
			registered := "http://127.0.0.1/no-auth/provider-token/gitlab_enterprise"
			if c.fixedPort {
				port, err := freeport.Find()
				if err != nil {
					t.Fatal(err)
				}
				redirect = "http://127.0.0.1:" + port + "/no-auth/provider-token/gitlab_enterprise"
				registered = redirect
			}
			gitlab := newSite(t, providertest.Options{Version: c.version, DeviceInterval: 20 * time.Millisecond}, registered)
			r := start(t, nil).initialize(map[string]any{"initializationOptions": map[string]any{"browser": "none"}})
			if configured := gitlab.configure(r, redirect); len(configured.Warnings) > 0 {
				t.Errorf("configured with warnings: %q", configured.Warnings)
			}

			in := r.authenticate(protocol.AuthenticateParams{})
			gitlab.approve(in)
			if err := <-in.ended; err != nil {
				t.Fatal(err)
			}
			if account := in.result.Account; (account.ExpiresAt != nil) != c.expires || len(in.result.Warnings) > 0 {
				t.Errorf("signed in until %v, with warnings %q", account.ExpiresAt, in.result.Warnings)
			}
			requests := 2 // configure has asked for the application
			if c.noPKCE {
				requests++
			}
			if got := gitlab.Count(http.MethodPost, "/oauth/token"); got != requests {
				t.Errorf("%d requests for tokens, want %d", got, requests)
			}
			r.wantUser("sam")
			r.wantVersion(c.version, c.device)

			gitlab.ExpireTokens("sam")
			r.wantUser("sam")
			if got := gitlab.Count(http.MethodPost, "/oauth/token"); got != requests+1 {
				t.Errorf("%d requests for tokens after one ran out, want %d", got, requests+1)
			}
			r.wantSignOut(true)

			device := r.authenticate(protocol.AuthenticateParams{Method: protocol.MethodDevice})
			if c.device {
				gitlab.approve(device)
				if err := <-device.ended; err != nil {
					t.Fatal(err)
				}
				r.wantUser("sam")
				r.wantSignOut(true)
			} else {
				lacks := refusal(t, <-device.ended, protocol.UnsupportedVersion)
				if lacks.Details.Version != c.version || lacks.Details.NeedsVersion != "17.2" || slices.Contains(lacks.Details.Methods, protocol.MethodDevice) {
					t.Errorf("the device grant: %+v, %+v", lacks, lacks.Details)
				}
			}

			token := r.authenticate(protocol.AuthenticateParams{Method: protocol.MethodToken, Token: gitlab.AddPersonalAccessToken("sam", "api")})
			if err := <-token.ended; err != nil {
				t.Fatal(err)
			}
			if told := len(token.result.Warnings) == 0; told != c.tells {
				t.Errorf("a personal access token: warnings %q", token.result.Warnings)
			}
			r.wantUser("sam")
			r.wantSignOut(c.revokes)

			if c.fixedPort {
				gitlab.configure(r, "")
				lacks := refusal(t, <-r.authenticate(protocol.AuthenticateParams{}).ended, protocol.InvalidRedirect)
				if lacks.Details.Version != c.version || lacks.Details.NeedsVersion != "13.9" || !strings.Contains(lacks.Hint, lacks.Details.RedirectURI) {
					t.Errorf("without a port: %+v, %+v", lacks, lacks.Details)
				}
			}
		})
	}
}

func (r *running) wantUser(username string) {
	r.t.Helper()
	var result protocol.CallAPIResult
	r.call(protocol.CallAPI.Method(), protocol.CallAPIParams{Path: "/user"}, &result)
	if !strings.Contains(string(result.Body), `"username":"`+username+`"`) {
		r.t.Errorf("the API answers %d, %s", result.Status, result.Body)
	}
}

// wantSignOut signs out, and checks whether GitLab has revoked the tokens.
func (r *running) wantSignOut(revoked bool) {
	r.t.Helper()
	revoke := true
	var left protocol.DisconnectResult
	r.call(protocol.Disconnect.Method(), protocol.DisconnectParams{Revoke: &revoke}, &left)
	if left.Revoked != revoked || (len(left.Warnings) == 0) != revoked {
		r.t.Errorf("signed out: %+v", left)
	}
}

// wantVersion checks what status tells of the one instance.
func (r *running) wantVersion(version string, device bool) {
	r.t.Helper()
	var status protocol.StatusResult
	r.call(protocol.Status.Method(), struct{}{}, &status)
	if in := status.Instances[0]; in.Version != version || slices.Contains(in.Methods, protocol.MethodDevice) != device {
		r.t.Errorf("status tells the version %q and the methods %q", in.Version, in.Methods)
	}
}
