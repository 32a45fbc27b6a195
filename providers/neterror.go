package providers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TransportError turns the error of an HTTP exchange that got no answer into
// what the user needs to know: HostUnreachable with its cause, or
// CertificateUntrusted. A cancelled request and an error of the protocol are
// returned as they are. address is the base URL that was asked.
func TransportError(err error, address string) error {
	var known *protocol.Error
	var inner *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &inner):
		err = inner.Err // without the URL, whose query is nobody's business
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		whose := address
		if isProxys(err) {
			whose = "the proxy"
		}
		return untrusted(certificate, address, whose)
	}
	return hostUnreachable(err, address)
}

func hostUnreachable(err error, address string) *protocol.Error {
	cause, problem, hint := unreachable(err)
	return &protocol.Error{
		Code:     protocol.HostUnreachable,
		Message:  fmt.Sprintf("%s cannot be reached: %s", address, problem),
		Hint:     hint,
		Instance: address,
		Details:  &protocol.ErrorDetails{Cause: cause, Text: err.Error()},
		Err:      err,
	}
}

// isProxys reports whether the error came up between here and the proxy.
func isProxys(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks"))
}

func unreachable(err error) (cause, problem, hint string) {
	var dns *net.DNSError
	var plain tls.RecordHeaderError
	var refusal proxyRefusal
	var timeout interface{ Timeout() bool }
	alert := alertOf(err)
	switch {
	case errors.As(err, &refusal) && refusal == http.StatusProxyAuthRequired:
		return "proxyAuthentication", "the proxy " + refusal.Error(), "The proxy wants a user name and a password, or does not accept the ones that it gets: put them into its URL in network.proxy, as http://user:password@host:port."
	case errors.As(err, &refusal):
		return "proxy", "the proxy " + refusal.Error(), "Check network.proxy and network.noProxy in the editor's settings; the proxy may not let this address be reached."
	case isProxys(err):
		return "proxy", "the proxy does not answer", "Check network.proxy in the editor's settings, or the variables HTTPS_PROXY and NO_PROXY."
	case errors.As(err, &dns) && !dns.IsTimeout:
		return "dns", "the name " + dns.Name + " is not known here", "Check the spelling, and connect to the VPN if the instance is only known inside."
	case isRefused(err):
		return "refused", "nothing listens at that address", "Check host and port, and whether GitLab is running."
	case wantsCertificate(alert):
		return "clientCertificate", "the server wants a client certificate, or does not accept the one that it gets", "Set network.clientCertFile and network.clientKeyFile to the certificate that your organisation has given you, with its key."
	case alert != "":
		return "tls", "the server ends the TLS handshake (" + alert + ")", "The agent speaks TLS 1.2 and newer. Ask whoever runs the instance which versions and ciphers it has."
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return "connection", "the server does not speak TLS", "If the instance is served by plain http, write http:// in its URL."
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout", "it does not answer in time", "Connect to the VPN if the instance is only reached inside, or check the proxy settings."
	}
	return "connection", "the connection broke", "Try again; if it goes on, ask whoever runs the network or the instance."
}

// alertOf returns the alert with which a server has ended a TLS handshake, as
// crypto/tls puts it, or "". The type that it has there is not exported.
func alertOf(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return op.Err.Error()
	}
	return ""
}

// certificateAlerts are those with which a server refuses the client's certificate,
// or that there is none (RFC 8446 section 6.2).
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116}

func wantsCertificate(alert string) bool {
	return slices.ContainsFunc(certificateAlerts, func(a tls.AlertError) bool { return a.Error() == alert })
}
