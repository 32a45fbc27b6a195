package auth_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// startThief starts a server that counts who comes.
func startThief(t *testing.T) (address string, came *atomic.Int32) {
	t.Helper()
	came = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came.Add(1) }))
	t.Cleanup(server.Close)
	return server.URL, came
}

// edit replaces text in a record of the store, as another program can.
func (w *world) edit(bucket, key, text, by string) {
	w.t.Helper()
	db, err := bolt.Open(filepath.Join(w.dir, "agent.db"), 0o600, &bolt.Options{Timeout: patience})
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		records := tx.Bucket([]byte(bucket))
		record := records.Get([]byte(key))
		if !bytes.Contains(record, []byte(text)) {
			w.t.Fatalf("the record %q has no %s: %s", key, text, record)
		}
		return records.Put([]byte(key), bytes.ReplaceAll(record, []byte(text), []byte(by)))
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// Who can write to the store but not read its secrets makes a record name a
// server of their own.
func TestAnEditedRecordLendsNoToken(t *testing.T) {
	for name, bucket := range map[string]string{"the instance's": "instances", "the account's": "accounts"} {
		t.Run(name, func(t *testing.T) {
			evil, came := startThief(t)
			w := newWorld(t, settings{})
			w.signedIn(2*lifetime, true)
			key := map[string]string{"instances": w.URL(), "accounts": w.key().String()}[bucket]
			w.edit(bucket, key, w.URL(), evil)
			m := w.manager(nil)
			in := store.Instance{ID: w.URL()}
			for _, want := range []error{protocol.StoreDamaged, protocol.SignInRequired} { // the file is put aside, and a new one has nobody
				client, err := m.Client(in, w.key())
				if err == nil {
					var resp *http.Response
					if resp, err = client.Get(in.ID + "/api/v4/user"); err == nil {
						resp.Body.Close()
					}
				}
				if !errors.Is(err, want) {
					t.Errorf("a call: %v, want %v", err, want)
				}
			}
			if came.Load() != 0 || len(w.Requests()) != 0 {
				t.Errorf("%d requests came to the server in the record, %d to GitLab", came.Load(), len(w.Requests()))
			}
		})
	}
}

// A redirect out of the API takes no token along, wherever it leads.
func TestARedirectTakesNoTokenAlong(t *testing.T) {
	w := newWorld(t, settings{})
	tokens := w.signedIn(0, true)
	evil, came := startThief(t)
	host := strings.TrimPrefix(w.URL(), "http://")
	for _, to := range []string{
		evil + "/api/v4/user", "//" + strings.TrimPrefix(evil, "http://") + "/api/v4/user", "https://" + host + "/api/v4/user",
		strings.Replace(w.URL(), "127.0.0.1", "localhost", 1) + "/api/v4/user", "/oauth/token/info", "/api/v4x", "../../oauth/token/info",
		"http://sam:pw@" + host + "/api/v4/user", "http://" + host + "@" + strings.TrimPrefix(evil, "http://") + "/api/v4/user",
	} {
		asked := 0
		w.through = func(base http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if asked++; asked > 1 {
					t.Errorf("%s: the redirect was followed to %s, with a token: %v", to, r.URL.Redacted(), r.Header.Get("Authorization") != "")
				}
				if r.Header.Get("Authorization") != "Bearer "+tokens.Access.Reveal() {
					t.Error("the first request has no token")
				}
				return &http.Response{StatusCode: 307, Header: http.Header{"Location": {to}}, Body: http.NoBody, Request: r}, nil
			})
		}
		if err := w.currentUser(t.Context(), w.manager(nil)); !errors.Is(err, protocol.GitLabError) && !errors.Is(err, protocol.NotGitLab) {
			t.Errorf("%s: %v, want GitLabError or NotGitLab", to, err)
		}
	}
	if came.Load() != 0 {
		t.Errorf("%d requests came elsewhere", came.Load())
	}
}

// A proxy's 407 is not about the user's token, whatever is in it.
func TestAProxysRefusalIsNotGitLabs(t *testing.T) {
	w := newWorld(t, settings{})
	before := w.signedIn(0, true)
	for _, contentType := range []string{"text/html", "application/json"} {
		w.through = func(http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: http.StatusProxyAuthRequired, Request: r, Body: io.NopCloser(strings.NewReader(`{"error":"invalid_token"}`)),
					Header: http.Header{"Content-Type": {contentType}, "Proxy-Authenticate": {"Basic realm=x"}, "Www-Authenticate": {`Bearer error="invalid_token"`}},
				}, nil
			})
		}
		err := w.currentUser(t.Context(), w.manager(nil))
		var known *protocol.Error
		if !errors.As(err, &known) || known.Code != protocol.HostUnreachable || known.Details == nil || known.Details.Cause != "proxyAuthentication" {
			t.Errorf("%s: %v, want HostUnreachable for the proxy", contentType, err)
		}
	}
	if account, tokens, err := w.saved(); err != nil || account.Refused != "" || tokens != before {
		t.Errorf("the account has changed: %+v, %v", account, err)
	}
	w.wantRefreshes(0)
}

// A clock that was set back makes a dead token look fresh; GitLab's 401 tells.
func TestAClockThatWasSetBack(t *testing.T) {
	w := newWorld(t, settings{})
	w.signedIn(time.Hour, true) // an hour old
	var passed time.Duration
	m := w.manager(nil)
	m.Now = func() time.Time { return time.Now().Add(passed) }
	w.ExpireTokens("sam")
	passed = -30 * time.Minute
	if err := w.currentUser(t.Context(), m); err != nil {
		t.Errorf("half an hour back: %v", err)
	}
	w.wantRefreshes(1)
	for _, back := range []time.Duration{-30*time.Minute - slackOfIssue/2, -30 * time.Minute} {
		passed = back
		if _, err := m.Token(t.Context(), w.key(), time.Minute); err != nil {
			t.Error(err)
		}
		w.wantRefreshes(1)
	}
	// Behind the time of the issue, the clock cannot tell whether a token lives.
	passed = -10 * time.Hour
	for range 2 {
		if _, err := m.Token(t.Context(), w.key(), time.Minute); err != nil {
			t.Error(err)
		}
		w.wantRefreshes(2)
	}
	passed = 0 // and set right again
	if _, err := m.Token(t.Context(), w.key(), time.Minute); err != nil {
		t.Error(err)
	}
	w.wantRefreshes(3)
}

// slackOfIssue is by how much clocks may differ without meaning anything.
const slackOfIssue = time.Minute
