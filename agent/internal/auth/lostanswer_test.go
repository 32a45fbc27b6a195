package auth_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// onToken stands before the token endpoint alone.
func onToken(do func(base http.RoundTripper, r *http.Request) (*http.Response, error)) func(http.RoundTripper) http.RoundTripper {
	return func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/oauth/token" {
				return base.RoundTrip(r)
			}
			return do(base, r)
		})
	}
}

// instead answers in the place of GitLab, which has answered something else.
func instead(status int, contentType, body string) func(http.RoundTripper, *http.Request) (*http.Response, error) {
	return func(base http.RoundTripper, r *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
}

// towards sends a request to another address.
func towards(address string) func(http.RoundTripper, *http.Request) (*http.Response, error) {
	return func(base http.RoundTripper, r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Host = address
		return base.RoundTrip(r)
	}
}

// GitLab has renewed the tokens, and the answer is lost in one way or another.
func TestALostAnswerIsNoRevocation(t *testing.T) {
	for name, lose := range map[string]func(*world){
		"the connection breaks":   func(w *world) { w.SetFault(providertest.EndpointToken, providertest.Fault{DropAfter: true, Times: 1}) },
		"a gateway gives up":      func(w *world) { w.through = onToken(instead(504, "text/html", "<html>")) },
		"a gateway in trouble":    func(w *world) { w.through = onToken(instead(502, "application/json", "{}")) },
		"a page of the network's": func(w *world) { w.through = onToken(instead(200, "text/html", "<html>")) },
		"half an answer":          func(w *world) { w.through = onToken(instead(200, "application/json", `{"access_token":"glfa`)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.signedIn(2*lifetime, true)
			lose(w)
			w.expected = "token: refresh token reused" // it thinks that it was heard
			m := w.manager(nil)
			if err := w.currentUser(t.Context(), m); err == nil || errors.Is(err, protocol.SignInRequired) {
				t.Fatalf("the refresh whose answer is lost: %v, want what went wrong", err)
			}
			if account, _, err := w.saved(); err != nil || account.RefreshSentAt.IsZero() || account.Refused != "" {
				t.Errorf("nothing notes that a refresh was sent: %+v, %v", account, err)
			}
			w.through = nil
			wantSignIn(t, w.currentUser(t.Context(), w.manager(nil)), auth.ReasonAnswerLost) // as after a restart
			w.wantRefreshes(2)
		})
	}
}

// An answer came, or the request surely never arrived: what GitLab refuses
// afterwards was revoked.
func TestARefreshThatWasAnsweredIsNotLost(t *testing.T) {
	closed := "127.0.0.1:" + freePort(t)
	for name, c := range map[string]struct {
		fault   providertest.Fault
		through func(http.RoundTripper) http.RoundTripper
		want    protocol.Code
	}{
		"GitLab has an error":      {providertest.Fault{Status: 500, Times: 1}, nil, protocol.GitLabError},
		"GitLab is in maintenance": {providertest.Fault{Status: 503, Times: 1}, nil, protocol.GitLabError},
		"a rate limit":             {providertest.Fault{RetryAfter: 7, Times: 1}, nil, protocol.RateLimited},
		"a renewed secret":         {providertest.Fault{Status: 401, Body: `{"error":"invalid_client"}`, Times: 1}, nil, protocol.InvalidClient},
		"a proxy refuses":          {providertest.Fault{Status: 403, HTML: true, Times: 1}, nil, protocol.NotGitLab},
		"a redirect":               {providertest.Fault{Status: 302, Times: 1}, nil, protocol.NotGitLab},
		"nobody listens":           {providertest.Fault{}, onToken(towards(closed)), protocol.HostUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			before := w.signedIn(2*lifetime, true)
			w.SetFault(providertest.EndpointToken, c.fault)
			w.through = c.through
			m := w.manager(nil)
			err := w.currentUser(t.Context(), m)
			if !errors.Is(err, c.want) {
				t.Errorf("the error is %v, want %s", err, c.want.Name())
			}
			var known *protocol.Error
			if errors.As(err, &known); c.want == protocol.RateLimited && known.RetryAfter != 7*time.Second {
				t.Errorf("the pause is %v, want 7 s", known.RetryAfter)
			}
			if account, tokens, err := w.saved(); err != nil || !account.RefreshSentAt.IsZero() || account.Refused != "" || tokens != before {
				t.Errorf("the account has changed: %+v, %v", account, err)
			}
			w.RevokeTokens("sam")
			w.through = nil
			w.ClearFaults()
			wantSignIn(t, w.currentUser(t.Context(), w.manager(nil)), auth.ReasonRevoked)
		})
	}
}

// The note says that a refresh was sent, and GitLab never saw it: the process was
// killed before it was written, or the line broke on the way there.
func TestARefreshThatNeverArrivedIsSentAgain(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	w.SetFault(providertest.EndpointToken, providertest.Fault{DropBefore: true, Times: 1})
	m := w.manager(nil)
	if err := w.currentUser(t.Context(), m); !errors.Is(err, protocol.HostUnreachable) {
		t.Errorf("the error is %v, want HostUnreachable", err)
	}
	if account, _, err := w.saved(); err != nil || account.RefreshSentAt.IsZero() {
		t.Errorf("nothing notes that a refresh was sent: %v", err)
	}
	if err := w.currentUser(t.Context(), w.manager(nil)); err != nil {
		t.Errorf("the refresh that is sent again: %v", err)
	}
	if account, _, err := w.saved(); err != nil || !account.RefreshSentAt.IsZero() || account.Serial != 2 {
		t.Errorf("the account is %+v, %v; want new tokens and no note", account, err)
	}
	w.RevokeTokens("sam")
	wantSignIn(t, w.currentUser(t.Context(), m), auth.ReasonRevoked)
}

// An answer to a later refresh says nothing of the earlier one.
func TestALostAnswerIsRemembered(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	m := w.manager(nil)
	for _, fault := range []providertest.Fault{{DropAfter: true, Times: 1}, {Status: 500, Times: 1}, {RetryAfter: 1, Times: 1}} {
		w.SetFault(providertest.EndpointToken, fault)
		if err := w.currentUser(t.Context(), m); err == nil || errors.Is(err, protocol.SignInRequired) {
			t.Errorf("%+v: %v", fault, err)
		}
	}
	wantSignIn(t, w.currentUser(t.Context(), m), auth.ReasonAnswerLost)
	// A new sign-in makes all well, and forgets it.
	if err := w.approve(w.begin(t.Context(), m)); err != nil {
		t.Fatal(err)
	}
	if account, _, err := w.saved(); err != nil || account.Refused != "" || !account.RefreshSentAt.IsZero() {
		t.Errorf("after the sign-in the account is %+v, %v", account, err)
	}
	w.RevokeTokens("sam")
	wantSignIn(t, w.currentUser(t.Context(), m), auth.ReasonRevoked)
}

// The note is on disk while GitLab thinks: whoever kills the process leaves it.
func TestTheNoteComesBeforeTheRequest(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(2*lifetime, true)
	w.through = onToken(func(base http.RoundTripper, r *http.Request) (*http.Response, error) {
		if account, _, err := w.saved(); err != nil || account.RefreshSentAt.IsZero() || account.Serial != 1 {
			t.Errorf("while the refresh is sent, the account is %+v, %v; want a note of it and nothing new", account, err)
		}
		return base.RoundTrip(r)
	})
	if err := w.currentUser(t.Context(), w.manager(nil)); err != nil {
		t.Error(err)
	}
	w.wantRefreshes(1)
}

// A store that cannot be written would lose the new tokens: the old ones are kept.
func TestNothingIsSpentThatCannotBeSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	before := w.signedIn(2*lifetime, true)
	reading, done := make(chan struct{}), make(chan struct{})
	go store.New(w.dir, store.Options{}).View(func(*store.Tx) error { // another program, which nobody can write beside
		close(reading)
		<-done
		return nil
	})
	<-reading
	m := w.manager(nil)
	if err := w.currentUser(t.Context(), m); !errors.Is(err, protocol.StoreBusy) {
		t.Errorf("the error is %v, want StoreBusy", err)
	}
	close(done)
	w.wantRefreshes(0)
	if err := w.currentUser(t.Context(), m); err != nil {
		t.Errorf("when the store can be written again: %v", err)
	}
	if _, after, err := w.saved(); err != nil || after.Refresh == before.Refresh {
		t.Errorf("the new tokens are not on disk: %v", err)
	}
}

// Once GitLab has issued new tokens, the old ones are burnt: a store that another
// program holds for long does not lose the sign-in.
func TestNewTokensAreSavedWhenTheStoreIsFreeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	before := w.signedIn(2*lifetime, true)
	late := make(chan struct{}, 10)
	m := w.manager(func(c *auth.Config) { c.Log = slog.New(told{slog.DiscardHandler, "could not be saved yet", late}) })
	release := make(chan struct{})
	w.SetFault(providertest.EndpointToken, providertest.Fault{Hold: release, Times: 1})
	answer := make(chan error, 1)
	go func() { answer <- w.currentUser(t.Context(), m) }()
	if err := w.Await(t.Context(), http.MethodPost, "/oauth/token", 1); err != nil {
		t.Fatal(err)
	}
	reading, done := make(chan struct{}), make(chan struct{})
	go store.New(w.dir, store.Options{}).View(func(*store.Tx) error {
		close(reading)
		<-done
		return nil
	})
	<-reading
	close(release)
	<-late
	close(done)
	if err := <-answer; err != nil {
		t.Errorf("the request: %v", err)
	}
	if account, after, err := w.saved(); err != nil || after.Refresh == before.Refresh || account.Refused != "" {
		t.Errorf("the new tokens are not on disk: %v", err)
	}
	w.wantRefreshes(1)
}

// told is a log handler that waits for a message.
type told struct {
	slog.Handler
	message string
	heard   chan<- struct{}
}

func (told) Enabled(context.Context, slog.Level) bool { return true }

func (h told) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, h.message) {
		h.heard <- struct{}{}
	}
	return nil
}

// net/http may send a request again on a new connection where the one it had from
// before turns out to be closed. A refresh that was read would so be spent twice.
func TestARefreshIsPostedOnce(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn){
		"closed": func(*net.TCPConn) {},
		"reset":  func(c *net.TCPConn) { c.SetLinger(0) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.signedIn(0, true)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			posts := make(chan bool, 10) // whether the connection was used before
			server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.URL.Path == "/oauth/token" && strings.Contains(string(body), "grant_type=refresh_token") {
					conn, _, err := http.NewResponseController(rw).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					posts <- *r.Context().Value(usedKey{}).(*int) > 0
					end(conn.(*net.TCPConn))
					conn.Close()
					return
				}
				*r.Context().Value(usedKey{}).(*int)++
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(http.StatusUnauthorized)
				io.WriteString(rw, `{"error":"invalid_token"}`)
			}), ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
				return context.WithValue(ctx, usedKey{}, new(int))
			}}
			go server.Serve(listener)
			defer server.Close()
			w.through = func(base http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) { return towards(listener.Addr().String())(base, r) })
			}
			if err := w.currentUser(t.Context(), w.manager(nil)); !errors.Is(err, protocol.HostUnreachable) {
				t.Errorf("the error is %v, want HostUnreachable", err)
			}
			if len(posts) != 1 || !<-posts {
				t.Error("the refresh was not posted once, on a connection that was used before")
			}
		})
	}
}

// usedKey is under which a connection counts the requests that it has answered.
type usedKey struct{}
