package providers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
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
	switch {
	case errors.As(err, &refusal):
		return "proxy", "the proxy " + refusal.Error(), "Check network.proxy and network.noProxy in the editor's settings; a user name and password go into the proxy's URL."
	case isProxys(err):
		return "proxy", "the proxy does not answer", "Check network.proxy in the editor's settings, or the variables HTTPS_PROXY and NO_PROXY."
	case errors.As(err, &dns) && !dns.IsTimeout:
		return "dns", "the name " + dns.Name + " is not known here", "Check the spelling, and connect to the VPN if the instance is only known inside."
	case isRefused(err):
		return "refused", "nothing listens at that address", "Check host and port, and whether GitLab is running."
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return "connection", "the server does not speak TLS", "If the instance is served by plain http, write http:// in its URL."
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout", "it does not answer in time", "Connect to the VPN if the instance is only reached inside, or check the proxy settings."
	}
	return "connection", "the connection broke", "Try again; if it goes on, ask whoever runs the network or the instance."
}

// maxName bounds the names in a certificate: a stranger wrote them.
const maxName = 300

func untrusted(err *tls.CertificateVerificationError, address, whose string) error {
	details := &protocol.ErrorDetails{Text: err.Err.Error()}
	problem := "is not trusted"
	hint := "Put the certificate of your organisation's certificate authority into a PEM file, and set network.caFile to its path."
	if len(err.UnverifiedCertificates) > 0 {
		leaf := err.UnverifiedCertificates[0]
		until := leaf.NotAfter.UTC()
		details.Subject, details.Issuer = Shorten(leaf.Subject.String(), maxName), Shorten(leaf.Issuer.String(), maxName)
		details.NotAfter = &until
		problem = fmt.Sprintf("(%s, issued by %s, valid until %s) is not trusted", details.Subject, details.Issuer, until.Format("2006-01-02"))
	}
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		hint = "The certificate has expired or is not valid yet: check this machine's clock, else ask the administrator to renew it."
	case errors.As(err, &name):
		hint = "The certificate is for another host: use the name that it is made for in the instance's URL, or ask the administrator for one that fits."
	}
	return &protocol.Error{
		Code:     protocol.CertificateUntrusted,
		Message:  fmt.Sprintf("the certificate of %s %s", whose, problem),
		Hint:     hint,
		Instance: address,
		Details:  details,
		Err:      err,
	}
}
