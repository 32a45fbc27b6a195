package providertest

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"strings"
	"sync"
	"time"
)

// GitLab is a running server. All methods may be called at any time and from
// any goroutine.
type GitLab struct {
	root           string
	tokenLifetime  time.Duration // 0: that of the version
	redirectErrors bool
	deviceInterval time.Duration
	deviceLifetime time.Duration

	url     string
	certPEM []byte
	gate    *gate
	server  *http.Server
	leave   context.CancelFunc // ends every request that waits
	serving chan struct{}      // closed when no connection is accepted any more
	conns   sync.WaitGroup

	// mu guards all that follows. A handler runs with it held.
	mu           sync.Mutex
	now          func() time.Time
	version      string
	lastID       int64
	users        map[string]*User
	apps         map[string]*Application
	grants       map[string]*grant       // by code
	devices      map[string]*deviceGrant // by device code
	access       map[string]*token       // by access token or personal access token
	refresh      map[string]*token       // by refresh token
	tokens       []*token                // all of them, oldest first
	sessions     map[string]*session     // by cookie
	projects     []*project
	repositories map[string]*cgi.Handler // by path
	faults       map[Endpoint]*Fault
	journal
	secrets
	inspector
}

// StartGitLab starts a server, which listens when StartGitLab returns. It serves
// until [GitLab.Close].
func StartGitLab(o Options) (*GitLab, error) {
	g := &GitLab{
		root:           strings.TrimRight(o.Root, "/"),
		version:        cmp.Or(o.Version, "17.11.0"),
		tokenLifetime:  o.TokenLifetime,
		redirectErrors: o.RedirectErrors,
		serving:        make(chan struct{}),
		now:            time.Now,
		users:          map[string]*User{},
		apps:           map[string]*Application{},
		grants:         map[string]*grant{},
		devices:        map[string]*deviceGrant{},
		deviceInterval: cmp.Or(o.DeviceInterval, 5*time.Second),
		deviceLifetime: cmp.Or(o.DeviceLifetime, deviceLifetime),
		access:         map[string]*token{},
		refresh:        map[string]*token{},
		sessions:       map[string]*session{},
		faults:         map[Endpoint]*Fault{},
		repositories:   map[string]*cgi.Handler{},
		journal:        newJournal(),
		secrets:        newSecrets(),
		inspector:      newInspector(),
	}
	if g.root != "" && !strings.HasPrefix(g.root, "/") {
		return nil, fmt.Errorf("providertest: the root %q does not start with a slash", o.Root)
	}
	if err := g.listen(cmp.Or(o.Addr, "127.0.0.1:0"), o.TLS); err != nil {
		return nil, fmt.Errorf("providertest: %w", err)
	}
	g.seedProjects()
	return g, nil
}

// listen opens the port and starts serving it.
func (g *GitLab) listen(addr string, secure bool) error {
	inner, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	at := inner.Addr().(*net.TCPAddr)
	if !at.IP.IsLoopback() {
		inner.Close()
		return fmt.Errorf("%s is not a loopback address", addr)
	}
	host, _, _ := net.SplitHostPort(addr)
	host = net.JoinHostPort(cmp.Or(host, at.IP.String()), fmt.Sprint(at.Port))
	g.gate = newGate(inner)
	listener, scheme := net.Listener(g.gate), "http"
	if secure {
		certificate, pem, err := selfSigned()
		if err != nil {
			inner.Close()
			return err
		}
		g.certPEM, scheme = pem, "https"
		listener = tls.NewListener(g.gate, &tls.Config{
			Certificates: []tls.Certificate{certificate},
			NextProtos:   []string{"http/1.1"},
		})
	}
	g.url = scheme + "://" + host + g.root
	var ctx context.Context
	ctx, g.leave = context.WithCancel(context.Background())
	g.server = &http.Server{
		Handler:           http.HandlerFunc(g.serve),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withConn,
		ConnState:         g.connState,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	go func() {
		defer close(g.serving)
		_ = g.server.Serve(listener) // always http.ErrServerClosed
	}()
	return nil
}

// connState counts the connections, so that Close can wait for them.
func (g *GitLab) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		g.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		g.conns.Done()
	}
}

// URL is the base URL with the root and without a trailing slash.
func (g *GitLab) URL() string { return g.url }

// CertificatePEM is the certificate that a client must trust; nil without TLS.
func (g *GitLab) CertificatePEM() []byte { return g.certPEM }

// Upgrade makes it a GitLab of another version, from the next request on.
func (g *GitLab) Upgrade(version string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.version = version
}

// Close ends the server. It cuts all connections and returns when every handler
// has ended, those that a [Fault] holds included. A second Close does nothing.
func (g *GitLab) Close() {
	g.leave()
	_ = g.server.Close()
	<-g.serving
	g.conns.Wait()
}

// SetDown takes the server off the network, or puts it back on the same port:
// while it is down open connections are reset, and new ones at once.
func (g *GitLab) SetDown(down bool) { g.gate.set(down) }
