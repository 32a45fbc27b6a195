package auth_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// GitLab hangs over the poll that brings the tokens, and the editor cancels. It is
// answered at once, and the tokens that nobody takes do not stay alive.
func TestACancelledDeviceWaitsForNobody(t *testing.T) {
	w := newWorld(t, settings{options: providertest.Options{DeviceInterval: time.Millisecond}})
	held := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	m := w.manager(nil)
	started := make(chan protocol.DidStartAuthenticationParams, 1)
	result := make(chan error, 1)
	approved := make(chan struct{})
	waits := 0
	m.After = func(time.Duration) <-chan time.Time {
		over := make(chan time.Time, 1)
		if waits++; waits == 1 { // nothing is asked before sam has approved
			go func() {
				<-approved
				over <- time.Time{}
			}()
			return over
		}
		over <- time.Time{}
		return over
	}
	go func() {
		_, err := m.SignInByDevice(ctx, w.instance(), auth.SignInOptions{
			Timeout:  patience,
			Started:  func(p protocol.DidStartAuthenticationParams, _ string) { started <- p },
			Returned: func() { t.Error("the user is back") },
		})
		result <- err
	}()
	if _, err := newBrowser(w).Approve(within(t), (<-started).VerificationURIComplete); err != nil {
		t.Fatal(err)
	}
	w.SetFault(providertest.EndpointToken, providertest.Fault{Hold: held})
	close(approved)
	if err := w.Await(within(t), http.MethodPost, "/oauth/token", 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want %v", err, context.Canceled)
		}
	case <-within(t).Done():
		t.Error("the cancelled sign-in waits for GitLab")
	}
	close(held)
	if err := w.Await(within(t), http.MethodPost, "/oauth/revoke", 1); err != nil {
		t.Errorf("the tokens that nobody took are alive: %v", err)
	}
}

// What ends a device's wait says nothing to who does not wait: a gateway's word
// is no fault of the agent's.
func TestARefreshIsAnsweredAsADeviceIs(t *testing.T) {
	for _, answer := range []string{"authorization_pending", "slow_down", "expired_token", "access_denied", "unsupported_grant_type"} {
		t.Run(answer, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.signedIn(2*lifetime, true)
			w.answer(http.StatusBadRequest, `{"error":"`+answer+`"}`)
			if _, err := w.manager(nil).Token(t.Context(), w.key(), time.Minute); !errors.Is(err, protocol.GitLabError) {
				t.Errorf("%v, want %v", err, protocol.GitLabError)
			}
		})
	}
}

// The last failure of the network is told, and not that the user was too slow.
func TestADeviceThatCouldNotAsk(t *testing.T) {
	w := newWorld(t, settings{})
	ended := make(chan time.Time)
	m := w.manager(func(c *auth.Config) {
		c.After = func(d time.Duration) <-chan time.Time {
			if d != 5*time.Second { // the pause after the failure lasts until the end
				return ended
			}
			w.SetDown(true)
			over := make(chan time.Time, 1)
			over <- time.Time{}
			return over
		}
	})
	_, err := m.SignInByDevice(t.Context(), w.instance(), auth.SignInOptions{
		Timeout:  time.Second,
		Started:  func(protocol.DidStartAuthenticationParams, string) {},
		Returned: func() {},
	})
	var told *protocol.Error
	if !errors.As(err, &told) || told.Code != protocol.SignInTimeout || told.Details == nil || told.Details.Cause == "" {
		t.Errorf("%v, want %v with the cause", err, protocol.SignInTimeout)
	}
}
