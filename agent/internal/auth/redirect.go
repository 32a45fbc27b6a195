package auth

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// DefaultRedirectURI is what an administrator registers unless told otherwise.
// GitLab ignores the port of a loopback IP address (RFC 8252 section 7.3), so one
// line serves every free port; for older ones see fixedPort.
const DefaultRedirectURI = "http://127.0.0.1/no-auth/provider-token/gitlab_enterprise"

// fixedPort is the port for an instance that compares it, as
// providers.LoopbackPort has it. It is below the ports that systems hand out by
// themselves (from 32768 on Linux, from 49152 on macOS and Windows), outside of
// Kubernetes' 30000 to 32767, and in the middle of 29170 to 29998, which IANA has
// not assigned. Administrators register it, so it never changes.
const fixedPort = "29630"

// withFixedPort returns a redirect URI with the product's own port, where it is
// one whose port is free to choose, and so would be compared by old instances.
func withFixedPort(configured string) (fixed string, free bool) {
	u, err := url.Parse(RegisteredRedirect(configured))
	if err != nil || u.Scheme != "http" || u.Port() != "" {
		return "", false
	}
	u.Host = net.JoinHostPort(u.Hostname(), fixedPort)
	return u.String(), true
}

// RegisteredRedirect returns the line that has to be registered with GitLab for a
// configured redirect URI.
func RegisteredRedirect(configured string) string {
	if configured == "" {
		return DefaultRedirectURI
	}
	return configured
}

// RedirectElsewhere says by way of which host or scheme a sign-in comes back, "" for
// straight to this machine. The host is shown in ASCII: one that looks like another
// is seen.
func RedirectElsewhere(configured string) string {
	u, err := url.Parse(RegisteredRedirect(configured))
	switch {
	case err != nil:
		return configured
	case u.Scheme == "http": // CheckRedirect lets loopback pass only
		return ""
	case u.Host == "":
		return u.Scheme + ":"
	}
	host, err := providers.NormalizeHost(u.Hostname())
	if err != nil {
		return u.Scheme + "://" + strconv.QuoteToASCII(u.Host)
	}
	u.Host = strings.Replace(u.Host, u.Hostname(), host, 1)
	return u.Scheme + "://" + u.Host
}

// CheckRedirect reports what is wrong with a redirect URI: InvalidParams for one
// that is none, InvalidRedirect for one that GitLab can never match.
func CheckRedirect(configured string) error {
	u, err := url.Parse(RegisteredRedirect(configured))
	switch {
	case err != nil, u.Scheme == "", u.Scheme == "https" && u.Hostname() == "", u.Fragment != "", u.User != nil, inPageSchemes[strings.ToLower(u.Scheme)], !isPort(u.Port()):
		return &protocol.Error{
			Code:    protocol.InvalidParams,
			Message: "redirectUri is not an absolute URI without a fragment",
			Hint:    "Leave it out, and register " + DefaultRedirectURI + " with the application.",
		}
	case u.Scheme == "http" && strings.EqualFold(u.Hostname(), "localhost") && u.Port() == "":
		return invalidRedirect("GitLab compares the port of http://localhost exactly, and this redirect URI has none", DefaultRedirectURI)
	case u.Scheme == "http" && !providers.IsLoopback(u.Hostname()):
		return invalidRedirect("a redirect over http comes back to this machine only, and "+u.Hostname()+" is another", DefaultRedirectURI)
	}
	return nil
}

// inPageSchemes lead nowhere but into the page that a browser shows.
var inPageSchemes = map[string]bool{
	"javascript": true, "vbscript": true, "data": true, "file": true, "blob": true, "filesystem": true, "about": true, "view-source": true,
}

func isPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func invalidRedirect(problem, register string) error {
	return &protocol.Error{
		Code:    protocol.InvalidRedirect,
		Message: problem,
		Hint:    "Register exactly this line as redirect URI of the application in GitLab: " + register,
		Details: &protocol.ErrorDetails{RedirectURI: register},
	}
}

// listenFor listens where a redirect URI points, and returns the URI with the
// port that it got. For an https URI, where a relay sends the browser on, it listens
// at any free port and leaves the URI as it is. For one that comes back through the
// editor it returns no listener. The caller closes the listeners.
//
// Nobody else gets at the sockets. Go makes them so that no child inherits them
// (SOCK_CLOEXEC, WSA_FLAG_NO_HANDLE_INHERIT). It sets SO_REUSEADDR on Unix, where
// an address that is listened at is not shared by that, and leaves it out on
// Windows, where it would be. There a program of the same user can still force its
// way to the port. SO_EXCLUSIVEADDRUSE would prevent that, but may also keep a
// fixed port from the next sign-in while old connections fade away (Microsoft,
// "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE"). It is not set: such a program
// could read the store just as well, and the code in a callback is worth nothing
// without the verifier.
func listenFor(configured string) (listeners []net.Listener, redirect *url.URL, err error) {
	if err := CheckRedirect(configured); err != nil {
		return nil, nil, err
	}
	redirect, err = url.Parse(RegisteredRedirect(configured))
	switch {
	case err != nil:
		return nil, nil, err
	case redirect.Scheme == "https": // a relay there sends the browser on to here
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, cannotListen(redirect, err)
		}
		return []net.Listener{listener}, redirect, nil
	case redirect.Scheme != "http":
		return nil, redirect, nil
	}
	port := cmp.Or(redirect.Port(), "0")
	for _, host := range addressesOf(redirect.Hostname()) {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			for _, earlier := range listeners {
				earlier.Close()
			}
			return nil, nil, cannotListen(redirect, err)
		}
		listeners = append(listeners, listener)
	}
	got := listeners[0].Addr().(*net.TCPAddr).Port
	redirect.Host = net.JoinHostPort(redirect.Hostname(), strconv.Itoa(got))
	return listeners, redirect, nil
}

// addressesOf returns where to listen for a host. A browser may try either address
// of localhost first, and would find whoever listens at that one.
func addressesOf(host string) []string {
	if !strings.EqualFold(host, "localhost") {
		return []string{host}
	}
	addresses := []string{"127.0.0.1"}
	if probe, err := net.Listen("tcp", "[::1]:0"); err == nil { // the machine has IPv6
		probe.Close()
		addresses = append(addresses, "::1")
	}
	return addresses
}

func cannotListen(redirect *url.URL, err error) error {
	return &protocol.Error{
		Code:    protocol.InvalidRedirect,
		Message: "the sign-in cannot come back to " + redirect.Host + ": " + err.Error(),
		Hint: "If another window waits for a sign-in, finish or cancel it there: it holds the port until then. Else close the program that uses it. " +
			"Where GitLab is 13.9 or newer, register " + DefaultRedirectURI + " with the application and configure the instance with it: then any free port will do.",
		Details: &protocol.ErrorDetails{RedirectURI: DefaultRedirectURI, Text: err.Error()},
		Err:     err,
	}
}
