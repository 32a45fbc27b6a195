package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// trip is what happened to a probe of the instance on its way.
type trip struct {
	target  *url.URL
	network protocol.Network
	proxy   providers.Proxy
	found   providers.Probe
	err     error // of the probe
	invalid error // of the settings, with which nothing can be asked

	observed
}

// travel probes the instance and watches.
func (p *patient) travel(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	in := p.Instance
	t := &p.trip
	if t.network, t.invalid = p.Network(in); t.invalid != nil {
		return
	}
	if t.target, t.invalid = url.Parse(in.ID); t.invalid != nil {
		return
	}
	if t.proxy, t.invalid = providers.ProxyFor(t.network, in.ID); t.invalid != nil {
		return
	}
	transport, done, err := p.Transport(t.network)
	if err != nil {
		t.invalid = err
		return
	}
	defer done()
	w := new(witness)
	t.found, t.err = p.Provider.Probe(ctx, providers.NewClient(watched{transport, w}, in.ID), in.ID)
	t.observed = w.observed()
}

// brokeAt is the check that the probe's error belongs to, or "". It goes by how
// far the request came, and not by the words of the error.
func (t *trip) brokeAt() string {
	if t.err == nil {
		return ""
	}
	var known *protocol.Error
	cause := ""
	if errors.As(t.err, &known) && known.Details != nil {
		cause = known.Details.Cause
	}
	switch {
	case strings.HasPrefix(cause, "proxy"):
		return "proxy"
	case cause == "tls", cause == "clientCertificate": // a server may say so in its answer
		return "tls"
	case t.asked && len(t.addresses) == 0:
		return "dns"
	case t.dialled == "", t.target.Scheme == "http" && t.header == nil: // or it broke before any answer
		return "connection"
	case t.target.Scheme == "https" && t.tls == nil:
		return "tls"
	}
	return "instance"
}

// observed is what a witness has seen.
type observed struct {
	asked     bool // for a name
	askedAt   time.Time
	lookup    time.Duration
	addresses []net.IPAddr
	dialledAt time.Time
	dialled   string // the address that answered first
	dial      time.Duration
	tls       *tls.ConnectionState

	// Of the first answer.
	header         http.Header
	sent, received time.Time
}

// witness notes what happens to requests. Dials to several addresses run side by
// side, and the loser may end after the answer.
type witness struct {
	mu   sync.Mutex // guards seen
	seen observed
}

func (w *witness) observed() observed {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

func (w *witness) trace() *httptrace.ClientTrace {
	note := func(f func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		f()
	}
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { note(func() { w.seen.asked, w.seen.askedAt = true, time.Now() }) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			note(func() { w.seen.addresses, w.seen.lookup = info.Addrs, time.Since(w.seen.askedAt) })
		},
		ConnectStart: func(string, string) {
			note(func() {
				if w.seen.dialledAt.IsZero() {
					w.seen.dialledAt = time.Now()
				}
			})
		},
		ConnectDone: func(_, address string, err error) {
			note(func() {
				if err == nil && w.seen.dialled == "" {
					w.seen.dialled, w.seen.dial = address, time.Since(w.seen.dialledAt)
				}
			})
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			note(func() {
				if w.seen.tls = nil; err == nil { // the last one is the instance's, after a proxy's
					w.seen.tls = &state
				}
			})
		},
	}
}

// watched is a RoundTripper with a witness.
type watched struct {
	base    http.RoundTripper
	witness *witness
}

func (w watched) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := w.base.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), w.witness.trace())))
	if err == nil {
		w.witness.mu.Lock()
		defer w.witness.mu.Unlock()
		if w.witness.seen.header == nil {
			w.witness.seen.header, w.witness.seen.sent, w.witness.seen.received = resp.Header, sent, time.Now()
		}
	}
	return resp, err
}
