package providers

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Answers that do not come from GitLab, but from what stands before it.

// The causes of NotGitLab.
const (
	causeSignInPage    = "signInPage"
	causeCaptivePortal = "captivePortal"
)

// maxHost is how long a host name can be (RFC 1035 section 2.3.4).
const maxHost = 255

// inTheWay recognises who has answered instead of GitLab, by what only they say.
// It returns nil for any other answer.
func inTheWay(instance string, status int, header http.Header, body []byte) *protocol.Error {
	switch {
	case status == http.StatusProxyAuthRequired:
		return hostUnreachable(newProxyRefusal(status, header, ""), instance)
	case isProxyPage(header):
		return hostUnreachable(proxyRefusal{status: status}, instance)
	case status == http.StatusNetworkAuthenticationRequired:
		return captivePortal(instance, StatusText(status)+" came back", status)
	case status == http.StatusBadRequest && !IsJSON(header): // JSON is GitLab's own, whatever it says
		return refusedByWebServer(instance, body)
	}
	return nil
}

// refusedByWebServer recognises the page of a web server that refuses how it is
// asked.
func refusedByWebServer(instance string, body []byte) *protocol.Error {
	switch {
	case containsAny(body, noClientCertificate):
		return hostUnreachable(errNoClientCertificate, instance)
	case containsAny(body, badClientCertificate):
		return hostUnreachable(errBadClientCertificate, instance)
	case containsAny(body, plainOnTLS):
		return hostUnreachable(errWantsTLS, instance)
	}
	return nil
}

// isProxyPage reports whether a proxy says that the answer is its own: with the
// error parameter of RFC 9209 section 2.1, or in a way of its program's.
func isProxyPage(header http.Header) bool {
	return header.Get("X-Squid-Error") != "" || strings.Contains(header.Get("Proxy-Status"), "error=") ||
		strings.HasPrefix(header.Get("Server"), "tinyproxy/")
}

// What web servers say in the page of their status 400, where they have spoken TLS
// to the end all the same, or have understood that nobody speaks it.
var (
	noClientCertificate  = []string{"No required SSL certificate was sent"} // nginx
	badClientCertificate = []string{"The SSL certificate error"}            // nginx
	plainOnTLS           = []string{
		"The plain HTTP request was sent to HTTPS port",     // nginx
		"speaking plain HTTP to an SSL-enabled server port", // Apache
		"Client sent an HTTP request to an HTTPS server",    // Go
	}
)

func containsAny(body []byte, texts []string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return bytes.Contains(body, []byte(text)) })
}

// NotGitLab is the error for an answer that is not GitLab's, which says what it is
// instead. Of where a redirect leads it tells the host alone: the query may be a key.
func NotGitLab(instance string, status int, header http.Header) *protocol.Error {
	if host, plain := leadsTo(instance, header); host != "" {
		if plain {
			return captivePortal(instance, "a redirect to "+host+" came back, with status "+StatusText(status), status)
		}
		return signInPage(instance, host, status)
	}
	return &protocol.Error{
		Code:     protocol.NotGitLab,
		Message:  fmt.Sprintf("GitLab does not answer at %s: %s", instance, describeAnswer(status, header)),
		Hint:     "Give the address that you open GitLab with. If it is right, a proxy or a sign-in page of your network may be in the way: open it in the browser.",
		Instance: instance,
		Status:   status,
	}
}

// leadsTo returns the other host to which a redirect leads, or "". plain is whether
// it leads from plain http to plain http, as portals do: to answer for a host with
// https they would need its certificate.
func leadsTo(instance string, header http.Header) (host string, plain bool) {
	base, err := url.Parse(instance)
	if err != nil {
		return "", false
	}
	to, err := base.Parse(header.Get("Location"))
	if err != nil || DefaultPort(to.Scheme) == "" || strings.EqualFold(to.Hostname(), base.Hostname()) {
		return "", false
	}
	return Shorten(to.Hostname(), maxHost), base.Scheme == "http" && to.Scheme == "http"
}

func captivePortal(instance, what string, status int) *protocol.Error {
	return &protocol.Error{
		Code:     protocol.NotGitLab,
		Message:  fmt.Sprintf("GitLab does not answer at %s: the network wants you to sign in to it first: %s", instance, what),
		Hint:     "Open any http address in the browser, sign in to the network there (a hotel's, a guest network's), and try again.",
		Instance: instance,
		Status:   status,
		Details:  &protocol.ErrorDetails{Cause: causeCaptivePortal},
	}
}

func signInPage(instance, host string, status int) *protocol.Error {
	return &protocol.Error{
		Code:     protocol.NotGitLab,
		Message:  fmt.Sprintf("GitLab does not answer at %s: a redirect to %s came back, with status %s: a sign-in page stands before it", instance, host, StatusText(status)),
		Hint:     "Open GitLab in the browser to see the page. No program can sign in there: connect to the VPN, or ask whoever runs " + host + " to let /oauth, /api and /.well-known of the instance through without it.",
		Instance: instance,
		Status:   status,
		Details:  &protocol.ErrorDetails{Cause: causeSignInPage},
	}
}

// describeAnswer says in words what came instead of GitLab's JSON.
func describeAnswer(status int, header http.Header) string {
	what := "something other than JSON"
	switch {
	case header.Get("Location") != "":
		what = "a redirect to another place"
	case IsHTML(header):
		what = "a web page"
	case IsJSON(header):
		what = "JSON of another program"
	}
	return fmt.Sprintf("%s came back, with status %s", what, StatusText(status))
}
