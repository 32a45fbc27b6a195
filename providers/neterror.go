package providers

import (
	"context"
	"crypto/tls"
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
	o := obstacleOf(err)
	return &protocol.Error{
		Code:     protocol.HostUnreachable,
		Message:  fmt.Sprintf("%s cannot be reached: %s", address, o.problem),
		Hint:     o.hint,
		Instance: address,
		Details:  &protocol.ErrorDetails{Cause: o.cause, Text: err.Error()},
		Err:      err,
	}
}

// NetworkFault tells what of the network is in the way, for people, of a connection that
// is not HTTP; its cause is as that of HostUnreachable. ok is false for an error that is
// nothing of the kind.
func NetworkFault(err error) (cause, problem string, ok bool) {
	o := obstacleOf(err)
	return o.cause, o.problem, o.cause != causeConnection
}

// The causes of HostUnreachable.
const (
	causeDNS                 = "dns"
	causeNoRoute             = "noRoute"
	causeRefused             = "refused"
	causeTimeout             = "timeout"
	causeProxy               = "proxy"
	causeProxyAuthentication = "proxyAuthentication"
	causeTLS                 = "tls"
	causeClientCertificate   = "clientCertificate"
	causeReset               = "reset"
	causeConnection          = "connection"
)

// An obstacle is what is in the way to a host, for programs and for people.
type obstacle struct{ cause, problem, hint string }

func obstacleOf(err error) obstacle {
	var dns *net.DNSError
	var refusal proxyRefusal
	switch {
	case errors.As(err, &refusal):
		return refusal.obstacle()
	case isProxys(err):
		return ofProxy(err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return obstacle{causeDNS, "the name " + dns.Name + " is not known here", "Check the spelling, and connect to the VPN if the instance is only known inside."}
	case errors.As(err, &dns) && !dns.IsTimeout:
		return obstacle{causeDNS, "no name server tells the address of " + dns.Name, "Check whether this machine has a network, and connect to the VPN if the instance is only known inside."}
	case isRefused(err):
		return obstacle{causeRefused, "nothing listens at that address", "Check host and port, and whether GitLab is running."}
	case isNoRoute(err):
		return obstacle{causeNoRoute, "no network leads there from this machine", "Check whether this machine has a network, and connect to the VPN if the instance is only reached inside."}
	}
	if o, ok := ofTLS(err); ok {
		return o
	}
	if o, ok := ofTimeout(err); ok {
		return o
	}
	if isReset(err) {
		return obstacle{causeReset, "the connection was cut off from the other side", "Try again. If it goes on, a firewall on the way may forbid it, or want it to go through a proxy: ask whoever runs the network, and set network.proxy."}
	}
	return obstacle{causeConnection, "the connection broke", "Try again; if it goes on, ask whoever runs the network or the instance."}
}

// ofTimeout tells where the patience ended.
func ofTimeout(err error) (obstacle, bool) {
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return obstacle{}, false
	}
	var op *net.OpError
	problem := "it does not answer in time"
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		problem = "no connection comes about in time"
	case strings.Contains(err.Error(), "TLS handshake timeout"): // net/http has no type for it
		problem = "it takes the connection, but does not begin TLS in time"
	}
	return obstacle{causeTimeout, problem, "Connect to the VPN if the instance is only reached inside, or check the proxy settings."}, true
}

// Answers of servers that want TLS, or another side of it.
var (
	errWantsTLS             = errors.New("the server answers plain http with the wish for TLS")
	errNoClientCertificate  = errors.New("the server answers that it was sent no client certificate")
	errBadClientCertificate = errors.New("the server answers that it does not accept the client certificate")
)

// ofTLS tells what is wrong with TLS, but for the server's certificate.
func ofTLS(err error) (obstacle, bool) {
	var plain tls.RecordHeaderError
	switch said := alert(err); {
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return obstacle{causeTLS, "the server does not speak TLS", "If the instance is served by plain http, write http:// in its URL."}, true
	case errors.Is(err, errWantsTLS), strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`): // a TLS alert
		return obstacle{causeTLS, "the server speaks https at this port", "Write https:// in the instance's URL."}, true
	case errors.Is(err, errNoClientCertificate), said == "certificate required":
		return obstacle{causeClientCertificate, "the server wants a client certificate", "Set network.clientCertFile and network.clientKeyFile to yours; the administrator issues it."}, true
	case errors.Is(err, errBadClientCertificate), aboutOurs[said]:
		return obstacle{causeClientCertificate, "the server does not accept the client certificate" + because(said), "Check network.clientCertFile: whether it has expired, and whether it is from the authority that this server wants. A server may also say so where none was sent."}, true
	case said == "protocol version not supported":
		return obstacle{causeTLS, "the server speaks none of TLS 1.2 and 1.3", "Have the administrator update the web server: older versions of TLS are not safe."}, true
	case said == "handshake failure":
		return obstacle{causeTLS, "the server breaks the TLS handshake off", "It may want a client certificate (network.clientCertFile and network.clientKeyFile), or have only ciphers that are not safe: ask the administrator."}, true
	case said == "unrecognized name":
		return obstacle{causeTLS, "the server does not know the name that it was asked for", "Check the host in the instance's URL."}, true
	case said != "", strings.Contains(err.Error(), "tls: "):
		return obstacle{causeTLS, "the TLS handshake fails" + because(said), "Ask the administrator of the instance to look at its web server's log; something that inspects TLS on the way can be the cause, too."}, true
	}
	return obstacle{}, false
}

func because(said string) string {
	if said == "" {
		return ""
	}
	return " (" + said + ")"
}

// aboutOurs are the alerts with which a server judges the client's certificate (RFC
// 8446 section 6.2).
var aboutOurs = map[string]bool{
	"bad certificate": true, "unsupported certificate": true, "revoked certificate": true, "expired certificate": true,
	"unknown certificate": true, "unknown certificate authority": true, "access denied": true,
}

// alert returns the TLS alert that the server has sent, in crypto/tls's words: its
// type has no name outside. It is "" where there is none.
func alert(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	return strings.TrimPrefix(op.Err.Error(), "tls: ")
}
