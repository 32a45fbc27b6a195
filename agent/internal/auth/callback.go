package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
)

const (
	// lingerTimeout is how long the listener stays after the sign-in, for the
	// browser to load the page that it is sent to.
	lingerTimeout = 10 * time.Second

	// farewellTimeout is how long it stays where the agent ends meanwhile, which has
	// to take less than a second.
	farewellTimeout = 300 * time.Millisecond

	// exchangeBound is how long a stranger may take to send a request, and to take
	// the answer.
	exchangeBound = 5 * time.Second

	// maxCallbackHeader bounds a request's header in bytes. The cookies of whatever
	// else was served to the browser from this host are in it, whatever the port.
	maxCallbackHeader = 64 << 10
)

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
//
// Every page that the user has open, and every program on the machine, can send
// it requests. They get an answer that says nothing, and the sign-in goes on.
type callbackServer struct {
	signIn    *signIn
	listeners []net.Listener
	server    *http.Server
	visitors  visitors
	path      string // the redirect URI's, as a browser sends it
	result    string // the second request's query, which names the page

	ended   chan struct{} // closed when outcome is set
	outcome outcome
	shown   chan struct{} // closed when the browser has its page
	once    sync.Once     // closes shown
}

func newCallbackServer(listeners []net.Listener, s *signIn) *callbackServer {
	c := &callbackServer{
		signIn:    s,
		listeners: listeners,
		path:      cmp.Or(s.local.EscapedPath(), "/"),
		result:    "result=" + rand.Text(),
		ended:     make(chan struct{}),
		shown:     make(chan struct{}),
	}
	c.server = &http.Server{
		Handler:                      http.HandlerFunc(c.handle),
		ReadHeaderTimeout:            exchangeBound,
		ReadTimeout:                  exchangeBound,
		WriteTimeout:                 exchangeBound,
		MaxHeaderBytes:               maxCallbackHeader,
		ConnContext:                  withVisitor,
		ConnState:                    c.visitors.watch,
		DisableGeneralOptionsHandler: true,                       // it would answer "OPTIONS *"
		ErrorLog:                     log.New(io.Discard, "", 0), // it would print what strangers send
	}
	c.server.SetKeepAlivesEnabled(false)
	return c
}

func serveCallback(listeners []net.Listener, s *signIn) *callbackServer {
	c := newCallbackServer(listeners, s)
	for _, listener := range listeners {
		go c.server.Serve(listener) // ends when the server is closed
	}
	return c
}

// handle answers one request. Whatever it refuses does not touch the sign-in, and
// nothing of it is in the answer.
func (c *callbackServer) handle(w http.ResponseWriter, r *http.Request) {
	c.visitors.asked(r.Context())
	setPageHeaders(w.Header())
	switch {
	case !isFromHere(r.RemoteAddr):
		http.Error(w, "Only this machine is served here.", http.StatusForbidden)
	case !c.isOwnHost(r.Host): // DNS rebinding
		http.Error(w, "This address is not served here.", http.StatusMisdirectedRequest)
	case r.URL.EscapedPath() != c.path:
		http.NotFound(w, r)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Only GET is served here.", http.StatusMethodNotAllowed)
	case r.ContentLength != 0:
		http.Error(w, "No body is taken here.", http.StatusRequestEntityTooLarge)
	case r.URL.RawQuery == c.result:
		c.show(w, r)
	default:
		c.receive(w, r)
	}
}

// isFromHere reports whether a connection comes from this machine. The listener
// has a loopback address, to which no other machine comes; unless the routing is
// out of the ordinary (Linux, route_localnet).
func isFromHere(address string) bool {
	from, err := netip.ParseAddrPort(address)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// isOwnHost reports whether a Host header is the redirect URI's. Browsers leave
// out the port of http.
func (c *callbackServer) isOwnHost(host string) bool {
	own := c.signIn.local.Host
	return strings.EqualFold(host, own) || strings.EqualFold(host+":80", own)
}

func (c *callbackServer) receive(w http.ResponseWriter, r *http.Request) {
	if err := c.signIn.deliver(r.URL.Query(), true); err != nil {
		renderPage(w, http.StatusBadRequest, outcome{instance: c.signIn.instance, err: err})
		return
	}
	c.visitors.keep(r.Context())
	select {
	case <-c.ended:
		extendWrite(w)
		w.Header().Set("Location", c.path+"?"+c.result)
		w.WriteHeader(http.StatusSeeOther)
	case <-r.Context().Done():
	}
}

func (c *callbackServer) show(w http.ResponseWriter, r *http.Request) {
	c.visitors.keep(r.Context())
	<-c.ended         // the result's name is known only after
	c.stopListening() // who has the page finds nobody here any more
	extendWrite(w)
	renderPage(w, http.StatusOK, c.outcome)
	c.once.Do(func() { close(c.shown) })
}

// stopListening lets nobody else in. The server may not have taken the listeners over
// yet.
func (c *callbackServer) stopListening() {
	for _, listener := range c.listeners {
		listener.Close()
	}
}

// extendWrite gives an answer its time from now on: the server counts it from the
// request.
func extendWrite(w http.ResponseWriter) {
	// What cannot be extended keeps the time that it has.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exchangeBound))
}

// conclude tells the browser, if one waits, how the sign-in ended.
func (c *callbackServer) conclude(o outcome) {
	c.outcome = o
	close(c.ended)
}

// linger closes the listener once the browser has its page, or when nobody waits
// for one, or ctx or closing end: a moment after closing, since a browser that has
// been sent on is about to come.
func (c *callbackServer) linger(ctx context.Context, closing <-chan struct{}) {
	if c.signIn.hasBrowser() {
		timeout := time.NewTimer(lingerTimeout)
		defer timeout.Stop()
		select {
		case <-c.shown:
		case <-timeout.C:
		case <-closing:
			c.sayFarewell(ctx)
		case <-ctx.Done():
		}
	}
	c.visitors.dismiss() // else they would be waited for
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if c.server.Shutdown(drain) != nil {
		c.server.Close()
	}
	c.stopListening()
}

// sayFarewell waits for the browser as long as an agent that is about to end can.
func (c *callbackServer) sayFarewell(ctx context.Context) {
	timeout := time.NewTimer(farewellTimeout)
	defer timeout.Stop()
	select {
	case <-c.shown:
	case <-timeout.C:
	case <-ctx.Done():
	}
}
