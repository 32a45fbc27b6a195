package providers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// What a stranger answers is told by who they are, and with a cause to go by.
func TestWhoAnswersInsteadOfGitLab(t *testing.T) {
	const secure, plain = "https://gitlab.example.com", "http://gitlab.example.com"
	for name, c := range map[string]struct {
		instance string
		status   int
		header   string // NAME: VALUE, or more between line feeds
		body     string
		code     protocol.Code
		cause    string
		words    string
	}{
		"a proxy without a password":      {plain, 407, `Proxy-Authenticate: Basic realm="x"`, "", protocol.HostUnreachable, "proxyAuthentication", "wants a user and a password"},
		"a proxy that wants a ticket":     {plain, 407, "Proxy-Authenticate: Negotiate\nProxy-Authenticate: NTLM", "", protocol.HostUnreachable, "proxyAuthentication", "by Negotiate, NTLM"},
		"a squid's page":                  {plain, 403, "X-Squid-Error: ERR_ACCESS_DENIED 0\nContent-Type: text/html", "", protocol.HostUnreachable, "proxy", "the proxy answers 403 Forbidden"},
		"a squid that cannot get through": {plain, 503, "X-Squid-Error: ERR_DNS_FAIL 0\nContent-Type: text/html", "", protocol.HostUnreachable, "proxy", "the proxy answers 503"},
		"a tinyproxy's page":              {plain, 500, "Server: tinyproxy/1.11.1\nContent-Type: text/html", "", protocol.HostUnreachable, "proxy", "the proxy answers 500"},
		"a proxy with a status":           {plain, 504, "Proxy-Status: SquareCo; error=connection_timeout", "", protocol.HostUnreachable, "proxy", "the proxy answers 504"},
		"a proxy that is content":         {plain, 404, "Proxy-Status: SquareCo; received-status=404\nContent-Type: text/html", "", protocol.NotGitLab, "", "a web page"},
		"no client certificate":           {secure, 400, "Content-Type: text/html", "<center>No required SSL certificate was sent</center>", protocol.HostUnreachable, "clientCertificate", "wants a client certificate"},
		"a bad client certificate":        {secure, 400, "Content-Type: text/html", "<center>The SSL certificate error</center>", protocol.HostUnreachable, "clientCertificate", "does not accept the client certificate"},
		"nginx, asked in plain http":      {plain, 400, "Content-Type: text/html", "<center>The plain HTTP request was sent to HTTPS port</center>", protocol.HostUnreachable, "tls", "speaks https"},
		"Go, asked in plain http":         {plain, 400, "", "Client sent an HTTP request to an HTTPS server.\n", protocol.HostUnreachable, "tls", "speaks https"},
		"words of GitLab's own":           {secure, 422, "Content-Type: text/html", "No required SSL certificate was sent", protocol.NotGitLab, "", "a web page"},
		"a captive portal's status":       {secure, 511, "Content-Type: text/html", "", protocol.NotGitLab, "captivePortal", "511 Network Authentication Required"},
		"a captive portal's redirect":     {plain, 302, "Location: http://portal.example.net/?key=glfake-key", "", protocol.NotGitLab, "captivePortal", "a redirect to portal.example.net came back"},
		"a sign-in page":                  {secure, 302, "Location: https://sso.example.com/login?SAMLRequest=glfake-key", "", protocol.NotGitLab, "signInPage", "a redirect to sso.example.com came back"},
		"a sign-in page, plain http":      {plain, 307, "Location: https://sam:glfake-pw@sso.example.com/glfake-path", "", protocol.NotGitLab, "signInPage", "a redirect to sso.example.com came back"},
		"a sign-in page of plain http":    {secure, 302, "Location: http://sso.example.com", "", protocol.NotGitLab, "signInPage", "a redirect to sso.example.com came back"},
		"another port of it":              {secure, 302, "Location: https://GitLab.example.com:8443/", "", protocol.NotGitLab, "", "a redirect to another place"},
		"another path of it":              {secure, 302, "Location: /login", "", protocol.NotGitLab, "", "a redirect to another place"},
		"no web address":                  {secure, 302, "Location: mailto:sam@example.com", "", protocol.NotGitLab, "", "a redirect to another place"},
		"no address":                      {secure, 302, "Location: http://%zz", "", protocol.NotGitLab, "", "a redirect to another place"},
	} {
		header := http.Header{}
		for _, line := range strings.Split(c.header, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				header.Add(name, value)
			}
		}
		e := providers.ServerError(c.instance, c.status, header, []byte(c.body))
		if e == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantError(t, e, c.code, c.instance)
		cause := ""
		if e.Details != nil {
			cause = e.Details.Cause
		}
		if cause != c.cause || e.Status != c.status || !strings.Contains(e.Message, c.words) {
			t.Errorf("%s: got %d %q with the cause %q", name, e.Status, e.Message, cause)
		}
	}
}

// GitLab may have the same words for something else, such as an import that failed.
func TestGitLabItselfMaySayWhatAWebServerSays(t *testing.T) {
	for _, words := range []string{
		"No required SSL certificate was sent", "import failed: The SSL certificate error",
		"The plain HTTP request was sent to HTTPS port", "Client sent an HTTP request to an HTTPS server",
	} {
		for _, kind := range []string{"application/json", "application/json; charset=utf-8", "application/problem+json"} {
			if e := providers.ServerError("https://gitlab.example.com", 400, http.Header{"Content-Type": {kind}}, []byte(`{"message":"`+words+`"}`)); e != nil {
				t.Errorf("%s: %q is taken for %s: %s", kind, words, e.Code.Name(), e.Message)
			}
		}
	}
}
