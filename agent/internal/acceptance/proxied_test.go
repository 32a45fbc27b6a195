//go:build network

package acceptance

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// hidden is the site over TLS, under the name that a squid alone finds.
func (s *site) hidden() (address string) {
	s.t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(startNginx(s.t, s.ca, s.host()), "https://"))
	if err != nil {
		s.t.Fatal(err)
	}
	return "https://gitlab.test:" + port
}

// wantInTheWay checks that configuring fails for that cause, and in those words.
func (s *site) wantInTheWay(w *window, address string, network protocol.Network, code protocol.Code, cause, words string) {
	s.t.Helper()
	data := refused(s.t, s.configure(w, address, network, nil), code)
	if data.Details == nil || data.Details.Cause != cause || !strings.Contains(data.Message, words) || data.Hint == "" || data.Instance != address {
		s.t.Errorf("%s: %+v, with the details %+v; want %s, and %q", address, data, data.Details, cause, words)
	}
}

// A window that was not there when the password for the proxy was entered takes it
// from the store, and its refresh goes the same way. GitLab never sees it.
func TestAProxysPasswordOutlivesTheAgent(t *testing.T) {
	t.Parallel()
	s := startSite(t, providertest.Options{}, "")
	proxy, address, dataDir := startSquid(t, nil), s.hidden(), t.TempDir()
	w := openWindow(t, dataDir, s.app.Secret, proxyPassword)
	network := protocol.Network{Proxy: proxy.url("http", proxyUser, proxyPassword), CAFile: s.ca.file}
	if err := s.configure(w, address, network, nil); err != nil {
		t.Fatal(err)
	}
	s.useAll(w, address)
	w.close()
	again := openWindow(t, dataDir, s.app.Secret, proxyPassword)
	before := len(s.Requests())
	if user := ask(again, protocol.CurrentUser, protocol.CurrentUserParams{}); user.Username != "sam" {
		t.Errorf("the user is %q", user.Username)
	}
	refreshed := func(r providertest.Request) bool { return r.Path == "/oauth/token" && r.Status == 200 }
	if !slices.ContainsFunc(s.Requests()[before:], refreshed) {
		t.Error("the token was not refreshed")
	}
	for _, r := range s.Requests() {
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("GitLab was sent the password for the proxy")
		}
	}
}

// The variable of the environment has the password, and no setting is made.
func TestAProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	s := startSite(t, providertest.Options{}, "")
	proxy, address := startSquid(t, nil), s.hidden()
	env := []string{"HTTPS_PROXY=" + proxy.url("http", proxyUser, proxyPassword)}
	w := openWindowWith(t, env, t.TempDir(), s.app.Secret, proxyPassword)
	if err := s.configure(w, address, protocol.Network{CAFile: s.ca.file}, nil); err != nil {
		t.Fatal(err)
	}
	s.useAll(w, address)
}

func TestTheTLSOfAProxy(t *testing.T) {
	t.Parallel()
	s := startSite(t, providertest.Options{}, "")
	w := openWindow(t, t.TempDir(), s.app.Secret, proxyPassword)
	secure, plain, address := startSquid(t, newAuthority(t)), startSquid(t, nil), s.hidden()
	s.wantInTheWay(w, address, protocol.Network{Proxy: secure.url("https", proxyUser, proxyPassword), CAFile: s.ca.file},
		protocol.CertificateUntrusted, "unknownAuthority", "the certificate of the proxy")
	s.wantInTheWay(w, address, protocol.Network{Proxy: plain.url("https", proxyUser, proxyPassword), CAFile: s.ca.file},
		protocol.HostUnreachable, "proxy", "the proxy")
}

// A tinyproxy that lets nobody through says so in a page of its own, where GitLab is
// asked in plain http, and in its answer to CONNECT.
func TestATinyproxyInTheWay(t *testing.T) {
	t.Parallel()
	s := startSite(t, providertest.Options{}, "")
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	dir := publicDir(t)
	filter, config := filepath.Join(dir, "filter"), filepath.Join(dir, "tinyproxy.conf")
	write(t, filter, []byte("^nothing[.]test$\n"))
	write(t, config, fmt.Appendf(nil, "Port %s\nListen 127.0.0.1\nTimeout 60\nMaxClients 10\nAllow 127.0.0.1\nFilter %q\nFilterDefaultDeny Yes\n", port, filter))
	startServer(t, "tinyproxy", "Starting main loop", "-d", "-c", config)
	w := openWindow(t, t.TempDir(), s.app.Secret)
	network := protocol.Network{Proxy: "http://127.0.0.1:" + port}
	for _, address := range []string{"http://gitlab.test" + s.port(), "https://gitlab.test" + s.port()} {
		s.wantInTheWay(w, address, network, protocol.HostUnreachable, "proxy", "the proxy answers 403")
	}
}

// What nginx says in a page, after all that TLS wants has worked.
func TestAnNginxInTheWay(t *testing.T) {
	t.Parallel()
	s := startSite(t, providertest.Options{}, "")
	w := openWindow(t, t.TempDir(), s.app.Secret)
	plain := strings.Replace(startNginx(t, s.ca, s.host()), "https", "http", 1)
	s.wantInTheWay(w, plain, protocol.Network{}, protocol.HostUnreachable, "tls", "the server speaks https at this port")

	clients, dir := newAuthority(t), t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	s.ca.issue(t, cert, key)
	address := startNginxWith(t, s.ca.issue, "ssl_client_certificate "+clients.file+"; ssl_verify_client on;", s.host())
	s.wantInTheWay(w, address, protocol.Network{CAFile: s.ca.file, ClientCertFile: cert, ClientKeyFile: key},
		protocol.HostUnreachable, "clientCertificate", "the server does not accept the client certificate")
	network := protocol.Network{CAFile: s.ca.file}
	s.wantInTheWay(w, address, network, protocol.HostUnreachable, "clientCertificate", "the server wants a client certificate")
	if err := s.configure(w, address, network, func(p *protocol.ConfigureParams) { no := false; p.Verify = &no }); err != nil {
		t.Fatal(err)
	}
	for _, check := range ask(w, protocol.Diagnose, protocol.DiagnoseParams{}).Checks {
		if check.Name == "tls" && (check.Status != protocol.CheckFail || !strings.Contains(check.Hint, "network.clientCertFile")) {
			t.Errorf("the doctor says of TLS: %+v", check)
		}
	}
}

// A server that sends the certificate between its own and the authority's is trusted
// by who knows the authority.
func TestAChainOfCertificates(t *testing.T) {
	t.Parallel()
	s := startSite(t, providertest.Options{Root: "/gitlab"}, "")
	between := s.ca.below(t)
	address := startNginxWith(t, func(t *testing.T, certFile, keyFile string) {
		t.Helper()
		between.issue(t, certFile, keyFile)
		write(t, certFile, slices.Concat(pemOf(t, certFile), between.pem))
	}, "", s.host()) + "/gitlab"
	w := openWindow(t, t.TempDir(), s.app.Secret)
	if err := s.configure(w, address, protocol.Network{CAFile: s.ca.file}, nil); err != nil {
		t.Fatal(err)
	}
	s.useAll(w, address)
}
