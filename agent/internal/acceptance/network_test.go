//go:build network

package acceptance

import (
	"cmp"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// site is a GitLab as a network shows it.
type site struct {
	*providertest.GitLab
	t   *testing.T
	app providertest.Application
	ca  *authority
}

func startSite(t *testing.T, options providertest.Options, redirect string) *site {
	t.Helper()
	g, err := providertest.StartGitLab(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	g.AddUser(providertest.User{Username: "sam"})
	return &site{g, t, g.AddApplication(providertest.Application{
		Confidential: true, RedirectURIs: []string{cmp.Or(redirect, auth.DefaultRedirectURI)}, Scopes: []string{"api"},
	}), newAuthority(t)}
}

// port is the GitLab's own, behind whatever is before it.
func (s *site) port() string { return s.host()[strings.LastIndexByte(s.host(), ':'):] }

func (s *site) host() string {
	u, err := url.Parse(s.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Host
}

// configure makes the instance known under an address.
func (s *site) configure(w *window, address string, network protocol.Network, more func(*protocol.ConfigureParams)) error {
	p := protocol.ConfigureParams{URL: address, ClientID: s.app.ID, ClientSecret: s.app.Secret, AllowHTTP: true, Network: &network}
	if more != nil {
		more(&p)
	}
	_, err := call(w, protocol.Configure, p)
	return err
}

// useAll signs in at the address, calls GitLab, and calls it again with a token that
// has to be refreshed first. The browser reaches GitLab by itself.
func (s *site) useAll(w *window, address string) {
	s.t.Helper()
	signIn := w.startSignIn(protocol.AuthenticateParams{Instance: address})
	_, query, _ := strings.Cut(signIn.AuthorizeURL, "?")
	if _, err := providertest.NewBrowser("sam", "glfake-pw-sam", nil).Approve(w.ctx, s.URL()+"/oauth/authorize?"+query); err != nil {
		s.t.Fatal(err)
	}
	if _, err := signIn.wait(); err != nil {
		s.t.Fatal(err)
	}
	for range 2 {
		if user := ask(w, protocol.CurrentUser, protocol.CurrentUserParams{Instance: address}); user.Username != "sam" {
			s.t.Errorf("the user is %q", user.Username)
		}
		s.ExpireTokens("sam")
	}
	if found := s.Violations(); len(found) > 0 {
		s.t.Errorf("GitLab found violations: %q", found)
	}
}

func TestThroughAProxy(t *testing.T) {
	for name, c := range map[string]struct{ secureProxy, secureSite bool }{
		"http through http": {false, false}, "https through http": {false, true},
		"http through https": {true, false}, "https through https": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := startSite(t, providertest.Options{Root: "/gitlab"}, "")
			scheme, address := "http", "http://gitlab.test"+s.port()+"/gitlab"
			var ca *authority
			if c.secureProxy {
				scheme, ca = "https", s.ca
			}
			if c.secureSite {
				_, port, _ := net.SplitHostPort(strings.TrimPrefix(startNginx(t, s.ca, s.host()), "https://"))
				address = "https://gitlab.test:" + port + "/gitlab"
			}
			proxy := startSquid(t, ca)
			w := openWindow(t, t.TempDir(), s.app.Secret, proxyPassword)
			network := protocol.Network{Proxy: proxy.url(scheme, proxyUser, proxyPassword), CAFile: s.ca.file}
			if err := s.configure(w, address, network, nil); err != nil {
				t.Fatal(err)
			}
			s.useAll(w, address)
		})
	}
}

func TestAProxyInTheWay(t *testing.T) {
	s := startSite(t, providertest.Options{}, "")
	proxy := startSquid(t, nil)
	w := openWindow(t, t.TempDir(), s.app.Secret, proxyPassword)
	address, forbidden := "http://gitlab.test"+s.port(), "http://forbidden.test"+s.port()
	for name, c := range map[string]struct{ address, proxy, cause, words string }{
		"no password":          {address, proxy.url("http", "", ""), "proxyAuthentication", "407"},
		"a wrong password":     {address, proxy.url("http", proxyUser, "glfake-pw-wrong"), "proxyAuthentication", "407"},
		"over TLS":             {"https" + strings.TrimPrefix(address, "http"), proxy.url("http", "", ""), "proxyAuthentication", "407"},
		"a proxy that is away": {address, "http://127.0.0.1:1", "proxy", "does not answer"},
	} {
		data := refused(t, s.configure(w, c.address, protocol.Network{Proxy: c.proxy}, nil), protocol.HostUnreachable)
		if data.Details == nil || data.Details.Cause != c.cause || !strings.Contains(data.Message, c.words) || data.Hint == "" {
			t.Errorf("%s: %+v, with the details %+v", name, data, data.Details)
		}
	}
	for _, scheme := range []string{"http", "https"} {
		address := scheme + strings.TrimPrefix(forbidden, "http")
		err := s.configure(w, address, protocol.Network{Proxy: proxy.url("http", proxyUser, proxyPassword)}, nil)
		if data := refused(t, err, protocol.HostUnreachable); data.Details.Cause != "proxy" || !strings.Contains(data.Message, "403") {
			t.Errorf("%s, which the proxy forbids: %+v", address, data)
		}
	}
}

// A certificate of an instance's own does not make it forget the editor's proxy,
// which alone knows where the instance is.
func TestSettingsOfEditorAndInstanceTogether(t *testing.T) {
	s := startSite(t, providertest.Options{}, "")
	proxy := startSquid(t, nil)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(startNginx(t, s.ca, s.host()), "https://"))
	w := openWindow(t, t.TempDir(), s.app.Secret, proxyPassword)
	settings := protocol.InitializationOptions{Network: &protocol.Network{Proxy: proxy.url("http", proxyUser, proxyPassword)}}
	if err := w.Notify(protocol.DidChangeConfiguration.Method(), protocol.DidChangeConfigurationParams{Settings: protocol.Settings{CodeStream: &settings}}); err != nil {
		t.Fatal(err)
	}
	address := "https://gitlab.test:" + port
	if err := s.configure(w, address, protocol.Network{CAFile: s.ca.file}, nil); err != nil {
		t.Fatal(err)
	}
	s.useAll(w, address)
}

func TestAClientCertificate(t *testing.T) {
	s := startSite(t, providertest.Options{}, "")
	verify := "ssl_client_certificate " + s.ca.file + "; ssl_verify_client on;"
	address := startNginxWith(t, s.ca.issue, verify, s.host())
	w := openWindow(t, t.TempDir(), s.app.Secret)
	err := s.configure(w, address, protocol.Network{CAFile: s.ca.file}, nil)
	if data := refused(t, err, protocol.HostUnreachable); data.Details == nil || data.Details.Cause != "clientCertificate" || !strings.Contains(data.Hint, "network.clientCertFile") {
		t.Errorf("without one: %+v", data)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	s.ca.issue(t, cert, key)
	if err := s.configure(w, address, protocol.Network{CAFile: s.ca.file, ClientCertFile: cert, ClientKeyFile: key}, nil); err != nil {
		t.Fatal(err)
	}
	s.useAll(w, address)
}

func TestCertificatesThatAreNotTrusted(t *testing.T) {
	s := startSite(t, providertest.Options{}, "")
	w := openWindow(t, t.TempDir(), s.app.Secret)
	other := newAuthority(t)
	for name, c := range map[string]struct {
		issue func(*testing.T, string, string)
		cause string
	}{
		"expired":              {s.ca.issueOther(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "expired"},
		"not valid yet":        {s.ca.issueOther(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), "notYetValid"},
		"of another host":      {s.ca.issueOther(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.test"} }), "wrongName"},
		"unknown authority":    {other.issue, "unknownAuthority"},
		"without its issuer's": {other.issueOther(func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.example.com/ca.crt"} }), "missingIntermediate"},
	} {
		t.Run(name, func(t *testing.T) {
			address := startNginxWith(t, c.issue, "", s.host())
			data := refused(t, s.configure(w, address, protocol.Network{CAFile: s.ca.file}, nil), protocol.CertificateUntrusted)
			if data.Hint == "" || data.Details == nil || data.Details.Cause != c.cause || data.Details.Issuer != "CN=Example Private CA" || data.Details.NotAfter == nil {
				t.Errorf("%+v, with the details %+v", data, data.Details)
			}
		})
	}
}

func TestOverIPv6(t *testing.T) {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	probe.Close()
	const redirect = "http://[::1]/no-auth/provider-token/gitlab_enterprise"
	s := startSite(t, providertest.Options{Addr: "[::1]:0"}, redirect)
	w := openWindow(t, t.TempDir(), s.app.Secret)
	if err := s.configure(w, s.URL(), protocol.Network{}, func(p *protocol.ConfigureParams) { p.RedirectURI = redirect }); err != nil {
		t.Fatal(err)
	}
	s.useAll(w, s.URL())
}

func TestSignInPagesInTheWay(t *testing.T) {
	w := openWindow(t, t.TempDir())
	for name, c := range map[string]struct {
		page  http.HandlerFunc
		words string
	}{
		"a portal of the organisation": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sso.example.com/login?back=secret", http.StatusFound)
		}, "a redirect to sso.example.com came back"},
		"a captive portal": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNetworkAuthenticationRequired)
		}, "511 Network Authentication Required"},
		"a page with status 200": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>Sign in</html>"))
		}, "a web page came back"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.page)
			defer server.Close()
			_, err := call(w, protocol.Configure, protocol.ConfigureParams{URL: server.URL, ClientID: "x"})
			if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "back=secret") {
				t.Errorf("the error is %v, want %q in it", err, c.words)
			}
		})
	}
}
