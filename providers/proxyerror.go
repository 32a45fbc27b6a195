package providers

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// isProxys reports whether the error came up between here and the proxy.
func isProxys(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks"))
}

// Hints about proxies.
const (
	hintProxy         = "Check network.proxy in the settings, or the variables HTTPS_PROXY and NO_PROXY."
	hintProxyPassword = "Put user and password into the URL of network.proxy, such as http://user:password@proxy.example.com:3128, with %40 for an @ in them."
)

// ofProxy tells why a proxy cannot be used.
func ofProxy(err error) obstacle {
	var dns *net.DNSError
	var plain tls.RecordHeaderError
	text := err.Error()
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return obstacle{causeProxy, "the name of the proxy, " + dns.Name + ", is not known here", hintProxy}
	case errors.As(err, &plain):
		return obstacle{causeProxy, "the proxy does not speak TLS", "Write http:// in network.proxy: that is how this machine talks to the proxy; what goes through it to an https instance is encrypted all the same."}
	case strings.Contains(text, "no acceptable authentication methods"): // net/http has no types for SOCKS
		return obstacle{causeProxyAuthentication, "the proxy wants a user and a password", hintProxyPassword}
	case strings.Contains(text, "username/password authentication failed"):
		return obstacle{causeProxyAuthentication, "the proxy does not accept the user and the password", hintProxyPassword}
	case isSOCKSReply(text):
		return obstacle{causeProxy, "the proxy cannot connect to it", "Check the spelling. If the instance is inside your network, the proxy may not reach it: name its host in network.noProxy."}
	}
	return obstacle{causeProxy, "the proxy does not answer", hintProxy}
}

// isSOCKSReply reports whether a SOCKS proxy has answered that it cannot connect
// (RFC 1928 section 6).
func isSOCKSReply(text string) bool { return strings.Contains(text, ": unknown error ") }

// proxyRefusal is the status with which a proxy refused to connect. net/http's
// own error has the status' text alone, and does not say that it is the proxy's.
type proxyRefusal struct {
	status int
	sent   bool   // a user and a password
	offers string // the ways to authenticate that it names, between commas
}

func newProxyRefusal(status int, header http.Header, user string) proxyRefusal {
	var offers []string
	for _, challenge := range header.Values("Proxy-Authenticate") {
		scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
		offers = append(offers, Shorten(scheme, 20))
	}
	return proxyRefusal{status, user != "", strings.Join(offers, ", ")}
}

func (p proxyRefusal) Error() string { return "the proxy answers " + StatusText(p.status) }

func (p proxyRefusal) obstacle() obstacle {
	switch p.status {
	case http.StatusProxyAuthRequired:
		switch {
		case p.offers != "" && !strings.Contains(strings.ToLower(p.offers), "basic"):
			return obstacle{causeProxyAuthentication, p.Error() + ": it wants one to sign in by " + p.offers + ", and the agent can do it with a password (Basic) only", "Run a small proxy on this machine that can, such as cntlm or px, and set network.proxy to it; or ask whoever runs the network to let the instance through."}
		case p.sent:
			return obstacle{causeProxyAuthentication, p.Error() + ": it does not accept the user and the password", hintProxyPassword}
		}
		return obstacle{causeProxyAuthentication, p.Error() + ": it wants a user and a password", hintProxyPassword + " If they are there, it does not accept them."}
	case http.StatusForbidden, http.StatusMethodNotAllowed:
		return obstacle{causeProxy, p.Error(), "The proxy does not let you through to this host and port: ask whoever runs the network, or name the host in network.noProxy if it is reached without."}
	}
	return obstacle{causeProxy, p.Error(), "The proxy does not get through to the instance. Check the spelling; if the instance is inside your network, name its host in network.noProxy."}
}

// checkProxy looks at a proxy's answer to CONNECT.
func checkProxy(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return newProxyRefusal(resp.StatusCode, resp.Header, proxy.User.String())
}
