package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

// lingerTimeout is how long the listener stays after the sign-in, for the browser
// to load the page that it is sent to.
const lingerTimeout = 10 * time.Second

// outcome is how a sign-in ended.
type outcome struct {
	instance store.Instance
	account  store.Account
	err      error
}

// callbackServer answers the browser at the redirect URI. The first request
// carries the code: it waits until the sign-in has ended, and is then sent on to
// the same path without the code, which so leaves the address bar and the
// browser's history. The second request shows the page.
type callbackServer struct {
	signIn   *signIn
	listener net.Listener
	server   *http.Server
	path     string // the redirect URI's, as a browser sends it
	result   string // names the page in the second request

	ended   chan struct{} // closed when outcome is set
	outcome outcome

	mu      sync.Mutex // guards what follows
	waiting int        // browsers that wait for the page
	shown   chan struct{}
	once    sync.Once
}

func serveCallback(listener net.Listener, s *signIn) *callbackServer {
	c := &callbackServer{
		signIn:   s,
		listener: listener,
		path:     cmp.Or(s.redirect.EscapedPath(), "/"),
		result:   rand.Text(),
		ended:    make(chan struct{}),
		shown:    make(chan struct{}),
	}
	c.server = &http.Server{
		Handler:           http.HandlerFunc(c.handle),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // it would print what strangers send
	}
	c.server.SetKeepAlivesEnabled(false)
	go c.server.Serve(listener) // ends when the server is closed
	return c
}

// handle answers one request. Whatever it refuses does not touch the sign-in.
func (c *callbackServer) handle(w http.ResponseWriter, r *http.Request) {
	setPageHeaders(w.Header())
	switch {
	case !c.isOwnHost(r.Host): // DNS rebinding
		http.Error(w, "This address is not served here.", http.StatusMisdirectedRequest)
	case r.URL.EscapedPath() != c.path:
		http.NotFound(w, r)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Only GET is served here.", http.StatusMethodNotAllowed)
	case r.URL.Query().Get("result") == c.result:
		c.show(w)
	default:
		c.receive(w, r)
	}
}

// isOwnHost reports whether a Host header is the redirect URI's. Browsers leave
// out the port of http.
func (c *callbackServer) isOwnHost(host string) bool {
	own := c.signIn.redirect.Host
	return strings.EqualFold(host, own) || strings.EqualFold(host+":80", own)
}

func (c *callbackServer) receive(w http.ResponseWriter, r *http.Request) {
	c.expectPage(1)
	if err := c.signIn.deliver(r.URL.Query()); err != nil {
		c.expectPage(-1)
		renderPage(w, http.StatusBadRequest, outcome{instance: c.signIn.instance, err: err})
		return
	}
	select {
	case <-c.ended:
		w.Header().Set("Location", c.path+"?result="+c.result)
		w.WriteHeader(http.StatusSeeOther)
	case <-r.Context().Done():
	}
}

func (c *callbackServer) show(w http.ResponseWriter) {
	<-c.ended // the result's name is known only after
	renderPage(w, http.StatusOK, c.outcome)
	c.once.Do(func() { close(c.shown) })
}

// expectPage counts the browsers that wait for the page.
func (c *callbackServer) expectPage(change int) {
	c.mu.Lock()
	c.waiting += change
	c.mu.Unlock()
}

// conclude tells the browser, if one waits, how the sign-in ended.
func (c *callbackServer) conclude(o outcome) {
	c.outcome = o
	close(c.ended)
}

// linger closes the listener once the browser has its page, or when nobody waits
// for one, or ctx or closing end.
func (c *callbackServer) linger(ctx context.Context, closing <-chan struct{}) {
	c.mu.Lock()
	waiting := c.waiting
	c.mu.Unlock()
	if waiting > 0 {
		timeout := time.NewTimer(lingerTimeout)
		defer timeout.Stop()
		select {
		case <-c.shown:
		case <-timeout.C:
		case <-closing:
		case <-ctx.Done():
		}
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if c.server.Shutdown(drain) != nil {
		c.server.Close()
	}
	c.listener.Close() // the server may not have taken it over yet
}
