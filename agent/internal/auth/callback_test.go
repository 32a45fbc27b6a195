package auth_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// hostOf is where a sign-in listens.
func hostOf(t *testing.T, a *attempt) string {
	t.Helper()
	u, err := url.Parse(a.started.RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// dial connects to where a sign-in listens. The connection ends with the test.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// say sends a request as it stands, and returns the answer with its body. The
// connection must be closed after it.
func say(t *testing.T, address, request string) (*http.Response, string) {
	t.Helper()
	conn := dial(t, address)
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%q is not answered: %v", beginning(request), err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadByte(); err == nil || !resp.Close {
		t.Errorf("%q: the connection stays open", beginning(request))
	}
	return resp, string(body)
}

// beginning is the beginning of a text, for a message.
func beginning(s string) string { return s[:min(len(s), 80)] }

var onceClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func TestTheBrowserGetsThroughAFlood(t *testing.T) {
	w := newWorld(t, settings{})
	a := w.begin(t.Context(), w.manager(nil))
	const flood, kept = 500, 32
	var closed sync.WaitGroup
	var left atomic.Int32
	left.Store(flood)
	enough := make(chan struct{})
	for range flood {
		conn := dial(t, hostOf(t, a))
		closed.Go(func() {
			io.Copy(io.Discard, conn) // ends when the other side closes it
			if left.Add(-1) == kept {
				close(enough)
			}
		})
	}
	select {
	case <-enough: // all but those are closed while the sign-in waits
	case <-within(t).Done():
		t.Fatalf("%d of %d silent connections are still open, want %d", left.Load(), flood, kept)
	}
	if err := w.approve(a); err != nil || a.page.Status != http.StatusOK {
		t.Errorf("the browser did not get through: %v", err)
	}
	closed.Wait()
	wantNobodyAt(t, a.started.RedirectURI)
}

// The flood goes on while the browser comes back: a page opens a connection for
// each that is closed, with as many at a time as a browser allows it.
func TestTheBrowserGetsThroughWhileTheFloodGoesOn(t *testing.T) {
	w := newWorld(t, settings{})
	a := w.begin(t.Context(), w.manager(nil))
	address := hostOf(t, a)
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	for range 256 {
		flood.Go(func() {
			for ctx.Err() == nil {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				io.Copy(io.Discard, conn) // ends when the other side closes it
				conn.Close()
			}
		})
	}
	err := w.approve(a)
	stop()
	flood.Wait()
	if err != nil || a.page.Status != http.StatusOK {
		t.Errorf("the browser did not get through: %v", err)
	}
}

func TestSlowVisitorsDoNotHoldTheSignInUp(t *testing.T) {
	for name, request := range map[string]string{
		"a header that drips": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + strings.Repeat("a", 1<<20),
		"a body that drips":   "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("a", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			a := w.begin(t.Context(), w.manager(nil))
			conn := dial(t, hostOf(t, a))
			dripping, cutOff := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(cutOff)
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for i := range len(request) {
					if _, err := conn.Write([]byte{request[i]}); err != nil {
						return
					}
					if i == 100 {
						close(dripping)
					}
					<-tick.C
				}
			}()
			<-dripping
			if err := w.approve(a); err != nil {
				t.Errorf("the sign-in has suffered: %v", err)
			}
			select {
			case <-cutOff:
			case <-within(t).Done():
				t.Error("the slow visitor is still there after the sign-in")
			}
			wantNobodyAt(t, a.started.RedirectURI)
		})
	}
}

func TestManyWrongStatesDoNoHarm(t *testing.T) {
	w := newWorld(t, settings{})
	a := w.begin(t.Context(), w.manager(nil))
	var guesses sync.WaitGroup
	var refused atomic.Int32
	for i := range 200 {
		guesses.Go(func() {
			resp, err := onceClient.Get(fmt.Sprintf("%s?code=c&state=%d", a.started.RedirectURI, i))
			if err != nil {
				return // it had to make room
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusBadRequest {
				t.Errorf("a guess is answered %s", resp.Status)
			}
			refused.Add(1)
		})
	}
	err := w.approve(a)
	guesses.Wait()
	if err != nil || a.page.Status != http.StatusOK {
		t.Errorf("the sign-in has suffered: %v", err)
	}
	if refused.Load() == 0 {
		t.Error("no guess was answered")
	}
}

// Two windows sign in at once: the state of one is nothing to the other.
func TestEachSignInHasAStateOfItsOwn(t *testing.T) {
	w := newWorld(t, settings{})
	first, second := w.begin(t.Context(), w.manager(nil)), w.begin(t.Context(), w.manager(nil))
	own, other := callbackOf(t, w, first), callbackOf(t, w, second)
	crossed := first.started.RedirectURI + other[strings.Index(other, "?"):]
	state := mustQuery(t, own).Get("state")
	for name, address := range map[string]string{
		"the other's state":        crossed,
		"the other's state first":  crossed + "&state=" + state,
		"its own state twice":      own + "&state=" + state,
		"no state":                 first.started.RedirectURI + "?code=c",
		"an empty state":           first.started.RedirectURI + "?code=c&state=",
		"a longer state":           own + "x",
		"the state in small print": strings.Replace(own, state, strings.ToLower(state), 1),
		"the state as a list":      strings.Replace(own, "state=", "state[]=", 1),
	} {
		if resp := get(t, onceClient, address); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s is answered %s, want 400", name, resp.Status)
		}
	}
	for _, a := range []struct {
		attempt  *attempt
		callback string
	}{{first, own}, {second, other}} {
		if resp := get(t, onceClient, a.callback); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("the right state is answered %s", resp.Status)
		}
		if err := <-a.attempt.result; err != nil {
			t.Error(err)
		}
	}
}

func mustQuery(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestACallbackCountsOnce(t *testing.T) {
	w := newWorld(t, settings{})
	hold := make(chan struct{})
	w.SetFault(providertest.EndpointToken, providertest.Fault{Hold: hold, Times: 1})
	m := w.manager(nil)
	a := w.begin(t.Context(), m)
	callback := callbackOf(t, w, a)
	first := make(chan *http.Response, 1)
	go func() {
		resp, err := onceClient.Get(callback)
		if err == nil {
			resp.Body.Close()
		}
		first <- resp
	}()
	if err := w.Await(within(t), http.MethodPost, "/oauth/token", 1); err != nil {
		t.Fatal(err)
	}
	// The same again, while the first is being worked on, and by way of the editor.
	if resp := get(t, onceClient, callback); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("the same callback again is answered %s, want 400", resp.Status)
	}
	if err := m.Complete(callback); !errors.Is(err, protocol.CallbackRejected) {
		t.Errorf("the same callback through the editor: %v, want CallbackRejected", err)
	}
	close(hold)
	if err := <-a.result; err != nil {
		t.Errorf("the sign-in has suffered: %v", err)
	}
	if resp := <-first; resp == nil || resp.StatusCode != http.StatusSeeOther {
		t.Errorf("the first callback was answered %v, want 303", resp)
	}
	// The sign-in has ended, and the listener waits for the browser to load its page.
	if resp := get(t, onceClient, callback); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("the same callback after the end is answered %s, want 400", resp.Status)
	}
	w.wantRefreshes(1)
}

// GitLab may take longer than a stranger may: the page is still written.
func TestTheBrowserWaitsForASlowGitLab(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.SetFault(providertest.EndpointToken, providertest.Fault{Delay: 5500 * time.Millisecond, Times: 1})
	a := w.begin(t.Context(), w.manager(nil))
	if err := w.approve(a); err != nil || a.page.Status != http.StatusOK {
		t.Errorf("the sign-in: %v", err)
	}
}

func TestTheListenerGoesWithTheSignIn(t *testing.T) {
	w := newWorld(t, settings{})
	m := w.manager(nil)
	silent := func(a *attempt) { dial(t, hostOf(t, a)) } // as a browser opens connections ahead
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := w.begin(ctx, m)
	silent(cancelled)
	cancel()
	if err := <-cancelled.result; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled sign-in: %v", err)
	}
	wantNobodyAt(t, cancelled.started.RedirectURI)

	late, err := m.SignIn(t.Context(), w.instance(), auth.SignInOptions{
		Timeout: time.Millisecond, Started: func(p protocol.DidStartAuthenticationParams, _ string) { cancelled.started = p },
	})
	if !errors.Is(err, protocol.SignInTimeout) {
		t.Errorf("the sign-in that nobody came back from: %v, %v", late, err)
	}
	wantNobodyAt(t, cancelled.started.RedirectURI)

	removed := w.begin(t.Context(), m)
	silent(removed)
	w.update(func(tx *store.Tx) error { return tx.DropInstance(w.URL()) })
	m.EndOvertaken()
	if err := <-removed.result; !errors.Is(err, protocol.NotConfigured) {
		t.Errorf("the sign-in to an instance that is removed: %v", err)
	}
	wantNobodyAt(t, removed.started.RedirectURI)
}
