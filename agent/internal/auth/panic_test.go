package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// innerWords are in what goes wrong inside, and nobody's business outside.
const innerWords = "words from inside"

// panicking makes a manager panic on the way to the network while broken is true.
func panicking(broken *atomic.Bool) func(*auth.Config) {
	return func(c *auth.Config) {
		transport := c.Transport
		c.Transport = func(in store.Instance) (http.RoundTripper, error) {
			if broken.Load() {
				panic(innerWords)
			}
			return transport(in)
		}
	}
}

func TestAPanicInARefreshIsAnErrorOfWhoWaits(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	var broken atomic.Bool
	broken.Store(true)
	var log bytes.Buffer
	m := w.manager(func(c *auth.Config) {
		panicking(&broken)(c)
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	_, err := m.Token(within(t), w.key(), time.Minute)
	var known *protocol.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), innerWords) {
		t.Errorf("the error is %v, want one that the agent makes an internal error of", err)
	}
	broken.Store(false) // the account is free again
	if _, err := m.Token(within(t), w.key(), time.Minute); err != nil {
		t.Errorf("the next refresh: %v", err)
	}
	m.Close(within(t))
	if got := log.String(); !strings.Contains(got, innerWords) || !strings.Contains(got, "panic_test.go") {
		t.Errorf("the log lacks the cause or the stack:\n%s", got)
	}
}

// The agent's fence around each request takes the panic of a sign-in. The browser
// and the next sign-in must not wait for what will never come.
func TestAPanicInASignInEndsIt(t *testing.T) {
	w := newWorld(t, settings{})
	var broken atomic.Bool
	m := w.manager(panicking(&broken))
	in := w.instance()
	started, ended := make(chan protocol.DidStartAuthenticationParams, 1), make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		m.SignIn(context.Background(), in, auth.SignInOptions{
			Timeout:  patience,
			Started:  func(p protocol.DidStartAuthenticationParams, _ string) { started <- p },
			Returned: func() { broken.Store(true) },
		})
	}()
	begun := <-started
	page, err := newBrowser(w).Approve(within(t), begun.AuthorizeURL)
	if err != nil || !strings.Contains(page.Body, "Something unexpected happened") || strings.Contains(page.Body, innerWords) {
		t.Errorf("the browser ends on %+v, %v", page, err)
	}
	if value := <-ended; value != innerWords {
		t.Errorf("the fence gets %v, want the panic", value)
	}
	wantNobodyAt(t, begun.RedirectURI)
	if m.Pending(w.URL()) {
		t.Error("the sign-in still waits")
	}
	broken.Store(false)
	if err := w.approve(w.begin(within(t), m)); err != nil {
		t.Errorf("the next sign-in: %v", err)
	}
}
