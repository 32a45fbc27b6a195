package auth

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// DefaultRedirectURI is what an administrator registers unless told otherwise.
// GitLab ignores the port of a loopback IP address (RFC 8252 section 7.3), so one
// line serves every free port.
const DefaultRedirectURI = "http://127.0.0.1/no-auth/provider-token/gitlab_enterprise"

// RegisteredRedirect returns the line that has to be registered with GitLab for a
// configured redirect URI.
func RegisteredRedirect(configured string) string {
	if configured == "" {
		return DefaultRedirectURI
	}
	return configured
}

// CheckRedirect reports what is wrong with a redirect URI: InvalidParams for one
// that is none, InvalidRedirect for one that GitLab can never match.
func CheckRedirect(configured string) error {
	u, err := url.Parse(RegisteredRedirect(configured))
	switch {
	case err != nil, u.Scheme == "", u.Fragment != "", u.User != nil, inPageSchemes[strings.ToLower(u.Scheme)], !isPort(u.Port()):
		return &protocol.Error{
			Code:    protocol.InvalidParams,
			Message: "redirectUri is not an absolute URI without a fragment",
			Hint:    "Leave it out, and register " + DefaultRedirectURI + " with the application.",
		}
	case u.Scheme == "http" && strings.EqualFold(u.Hostname(), "localhost") && u.Port() == "":
		return invalidRedirect("GitLab compares the port of http://localhost exactly, and this redirect URI has none", DefaultRedirectURI)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return invalidRedirect("a redirect over http comes back to this machine only, and "+u.Hostname()+" is another", DefaultRedirectURI)
	}
	return nil
}

// inPageSchemes lead nowhere but into the page that a browser shows.
var inPageSchemes = map[string]bool{"javascript": true, "data": true, "file": true, "blob": true, "about": true}

func isPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
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
// port that it got. For a URI that comes back through the editor it returns no
// listener. The caller closes the listener.
func listenFor(configured string) (listener net.Listener, redirect *url.URL, err error) {
	if err := CheckRedirect(configured); err != nil {
		return nil, nil, err
	}
	redirect, err = url.Parse(RegisteredRedirect(configured))
	switch {
	case err != nil:
		return nil, nil, err
	case redirect.Scheme == "https":
		return nil, nil, invalidRedirect("a redirect over https needs a relay, which this version does not have", DefaultRedirectURI)
	case redirect.Scheme != "http":
		return nil, redirect, nil
	}
	host := redirect.Hostname()
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	port := redirect.Port()
	if port == "" {
		port = "0"
	}
	listener, err = net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, nil, cannotListen(redirect, err)
	}
	_, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	redirect.Host = net.JoinHostPort(strings.Trim(redirect.Hostname(), "[]"), port)
	return listener, redirect, nil
}

func cannotListen(redirect *url.URL, err error) error {
	return &protocol.Error{
		Code:    protocol.InvalidRedirect,
		Message: "the sign-in cannot come back to " + redirect.Host + ": " + err.Error(),
		Hint:    "Close the program that uses this port, or register " + DefaultRedirectURI + " with the application and configure the instance with it: then any free port will do.",
		Details: &protocol.ErrorDetails{RedirectURI: DefaultRedirectURI, Text: err.Error()},
		Err:     err,
	}
}
