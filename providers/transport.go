package providers

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Timeout bounds one exchange with a host, from the dial to the answer's end.
const Timeout = 30 * time.Second

// connectTimeout bounds the dial, and then the TLS handshake. It is less than anybody
// waits for an answer, so that the error can say what it was that took too long.
const connectTimeout = 8 * time.Second

// Transports keeps one HTTP transport for each way to reach the network, so that
// connections are used again.
type Transports struct {
	// UserAgent is how the product names itself to hosts, for their administrators.
	UserAgent string
	// Log is told of each exchange at the level debug; nil for nobody.
	Log *slog.Logger

	mu        sync.Mutex // guards byNetwork
	byNetwork map[transportKey]*http.Transport
}

// transportKey is what a transport is made of. Files count by what they are now,
// so that a mended one is read again.
type transportKey struct {
	protocol.Network
	files [3]fileStamp
}

type fileStamp struct {
	size     int64
	modified time.Time
}

func keyOf(n protocol.Network) (transportKey, error) {
	key := transportKey{Network: n}
	for i, file := range []struct{ field, path string }{
		{"network.caFile", n.CAFile}, {"network.clientCertFile", n.ClientCertFile}, {"network.clientKeyFile", n.ClientKeyFile},
	} {
		if file.path == "" {
			continue
		}
		info, err := os.Stat(file.path)
		switch {
		case err != nil: // whoever reads it will say so
			continue
		case !info.Mode().IsRegular(): // a pipe would never end
			return key, invalidNetwork(file.field, "is not a file", nil)
		}
		key.files[i] = fileStamp{info.Size(), info.ModTime()}
	}
	return key, nil
}

// Get returns the transport for these settings. It returns InvalidParams for a
// file that cannot be read or a proxy that is not a URL.
func (t *Transports) Get(n protocol.Network) (http.RoundTripper, error) {
	key, err := keyOf(n)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if transport, ok := t.byNetwork[key]; ok {
		return t.named(transport), nil
	}
	transport, err := newTransport(n)
	if err != nil {
		return nil, err
	}
	if t.byNetwork == nil {
		t.byNetwork = make(map[transportKey]*http.Transport)
	}
	t.byNetwork[key] = transport
	return t.named(transport), nil
}

func (t *Transports) named(transport http.RoundTripper) http.RoundTripper {
	if t.Log != nil {
		transport = logged{transport, t.Log}
	}
	return named{transport, t.UserAgent}
}

// named is a RoundTripper that says which program asks.
type named struct {
	http.RoundTripper
	userAgent string
}

func (n named) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", n.userAgent)
	return n.RoundTripper.RoundTrip(req)
}

// CloseIdle closes the connections that nobody uses.
func (t *Transports) CloseIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, transport := range t.byNetwork {
		transport.CloseIdleConnections()
	}
}

func newTransport(n protocol.Network) (*http.Transport, error) {
	proxy, err := proxyFunc(n)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := TLSConfig(n)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	transport.OnProxyConnectResponse = checkProxy
	transport.DialContext = (&net.Dialer{Timeout: connectTimeout}).DialContext
	transport.TLSHandshakeTimeout = connectTimeout
	transport.TLSClientConfig = tlsConfig
	transport.ResponseHeaderTimeout = Timeout
	transport.MaxResponseHeaderBytes = 1 << 20
	return transport, nil
}

// NewClient returns a client for what is below a base URL: it follows redirects
// there and hands any other to the caller, so that neither a token nor a request's
// body ever follows one to somebody else, be it another program on the same host.
// Nor does it follow one that would turn a POST into a GET, whose success would be
// taken for the POST's.
func NewClient(transport http.RoundTripper, base string) *http.Client {
	return &http.Client{
		Transport: transport,
		Timeout:   Timeout,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= 5 || !IsBelow(req.URL, base) || req.Method != via[0].Method {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// IsBelow reports whether a URL has the origin of a base URL, no user of its own,
// and a path that is the base's or goes on from there.
func IsBelow(u *url.URL, base string) bool {
	root, err := url.Parse(base)
	if err != nil || u.User != nil || !SameOrigin(u, root) {
		return false
	}
	rest, ok := strings.CutPrefix(path.Clean("/"+u.Path), strings.TrimSuffix(root.Path, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// SameOrigin reports whether two URLs have the same scheme, host and port
// (RFC 6454 section 5).
func SameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && sameHost(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return DefaultPort(u.Scheme)
}

// DefaultPort returns the port of a scheme that needs none in a URL, or "".
func DefaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	case "ssh":
		return "22"
	}
	return ""
}
