package providers_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// A proxy forwards and connects. It finds every host at target: so a name that
// nobody knows is reached through it alone.
type proxy struct {
	*httptest.Server
	target string // host:port
	refuse int    // the status that is answered instead
	offers string // with this as Proxy-Authenticate

	mu   sync.Mutex // guards what follows
	seen []string   // method, host and credentials
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	p := &proxy{target: target}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, strings.TrimSpace(r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization")))
	p.mu.Unlock()
	switch {
	case p.refuse != 0:
		if p.offers != "" {
			w.Header().Set("Proxy-Authenticate", p.offers)
		}
		w.WriteHeader(p.refuse)
	case r.Method == http.MethodConnect:
		w.WriteHeader(http.StatusOK)
		client, buffered, err := http.NewResponseController(w).Hijack()
		if err == nil {
			pipe(client, buffered, p.target)
		}
	default:
		to := r.Clone(r.Context())
		to.RequestURI, to.URL.Host = "", p.target
		resp, err := http.DefaultTransport.RoundTrip(to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}
}

// pipe connects a client to target until one of them ends.
func pipe(client net.Conn, from io.Reader, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, from)
		server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func (p *proxy) requests() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.seen, ", ")
}

// environment sets the variables for proxies, and clears those that are not
// given.
func environment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUEST_METHOD"} {
		t.Setenv(strings.ToLower(name), "")
		t.Setenv(name, variables[name])
	}
}

func get(t *testing.T, c *http.Client, url string) (string, error) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// gitlab.test is a name that only the proxy knows: Go never asks a proxy for a
// loopback address.
func TestProxyIsUsed(t *testing.T) {
	ca := newAuthority(t)
	plain := httptest.NewServer(http.HandlerFunc(hello))
	defer plain.Close()
	overTLS := secure(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(template("gitlab.test"))}}, hello)
	for name, c := range map[string]struct {
		scheme    string
		variables map[string]string // PROXY is the proxy's URL
		network   protocol.Network
		want      string
	}{
		"http, by the settings":        {"http", nil, protocol.Network{Proxy: "PROXY"}, "GET gitlab.test"},
		"https, by the settings":       {"https", nil, protocol.Network{Proxy: "PROXY"}, "CONNECT gitlab.test:443"},
		"http, by the environment":     {"http", map[string]string{"HTTP_PROXY": "PROXY"}, protocol.Network{}, "GET gitlab.test"},
		"https, by the environment":    {"https", map[string]string{"HTTPS_PROXY": "PROXY"}, protocol.Network{}, "CONNECT gitlab.test:443"},
		"settings before environment":  {"http", map[string]string{"HTTP_PROXY": "http://127.0.0.1:1"}, protocol.Network{Proxy: "PROXY"}, "GET gitlab.test"},
		"NO_PROXY is replaced":         {"http", map[string]string{"NO_PROXY": "gitlab.test"}, protocol.Network{Proxy: "PROXY", NoProxy: "other.test"}, "GET gitlab.test"},
		"https, with a name":           {"https", nil, protocol.Network{Proxy: "USER@PROXY"}, "CONNECT gitlab.test:443 Basic c2FtOnB3"},
		"http, with a name":            {"http", nil, protocol.Network{Proxy: "USER@PROXY"}, "GET gitlab.test Basic c2FtOnB3"},
		"noProxy names another domain": {"https", nil, protocol.Network{Proxy: "PROXY", NoProxy: ".other.test,lab.test,192.0.2.0/24"}, "CONNECT gitlab.test:443"},
	} {
		t.Run(name, func(t *testing.T) {
			target := map[string]string{"http": plain.URL, "https": overTLS.URL}[c.scheme]
			p := startProxy(t, strings.TrimPrefix(target, c.scheme+"://"))
			address := strings.NewReplacer("USER@PROXY", strings.Replace(p.URL, "//", "//sam:pw@", 1), "PROXY", p.URL)
			variables := map[string]string{}
			for name, value := range c.variables {
				variables[name] = address.Replace(value)
			}
			environment(t, variables)
			c.network.Proxy, c.network.CAFile = address.Replace(c.network.Proxy), ca.file()
			if body, err := get(t, client(t, c.network), c.scheme+"://gitlab.test/"); err != nil || body != "hello" {
				t.Errorf("got %q, %v", body, err)
			}
			if p.requests() != c.want {
				t.Errorf("the proxy was asked: %s; want %s", p.requests(), c.want)
			}
		})
	}
}

// The intranet's GitLab is not asked for through the proxy.
func TestProxyIsPassedBy(t *testing.T) {
	system := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = system })
	net.DefaultResolver = nameServer(t, net.IPv4(127, 0, 0, 1))
	server := httptest.NewServer(http.HandlerFunc(hello))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	p := startProxy(t, "127.0.0.1"+port)
	for name, c := range map[string]struct {
		host    string
		noProxy string
		env     string
		asked   bool
	}{
		"nothing is said":             {"gitlab.test", "", "", true},
		"noProxy has the host":        {"gitlab.test", "example.com, gitlab.test", "", false},
		"noProxy has host and port":   {"gitlab.test", "gitlab.test" + port, "", false},
		"noProxy has another port":    {"gitlab.test", "gitlab.test:1", "", true},
		"noProxy has everything":      {"gitlab.test", "*", "", false},
		"NO_PROXY has the host":       {"gitlab.test", "", "gitlab.test", false},
		"noProxy before NO_PROXY":     {"gitlab.test", "example.com", "gitlab.test", true},
		"a loopback address":          {"127.0.0.1", "", "", false},
		"the name of this machine":    {"localhost", "", "", false},
		"a loopback address, noProxy": {"127.0.0.1", "example.com", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, map[string]string{"NO_PROXY": c.env})
			before := p.requests()
			body, err := get(t, client(t, protocol.Network{Proxy: p.URL, NoProxy: c.noProxy}), "http://"+c.host+port)
			if err != nil || body != "hello" || (p.requests() != before) != c.asked {
				t.Errorf("got %q, %v; the proxy was asked: %t", body, err, p.requests() != before)
			}
		})
	}
}

func TestProxyIsInTheWay(t *testing.T) {
	environment(t, nil)
	const url = "https://gitlab.test"
	refusing := startProxy(t, "")
	with := strings.Replace(refusing.URL, "//", "//sam:glfake-pw@", 1)
	for _, c := range []struct {
		proxy, offers string
		status        int
		cause, words  string
	}{
		{refusing.URL, `Basic realm="x"`, 407, "proxyAuthentication", "407 Proxy Authentication Required: it wants a user and a password"},
		{refusing.URL, "", 407, "proxyAuthentication", "407 Proxy Authentication Required: it wants a user and a password"},
		{with, `Basic realm="x"`, 407, "proxyAuthentication", "407 Proxy Authentication Required: it does not accept the user and the password"},
		{with, "NTLM", 407, "proxyAuthentication", "it wants one to sign in by NTLM"},
		{with, "", 403, "proxy", "the proxy answers 403 Forbidden"},
		{with, "", 502, "proxy", "the proxy answers 502 Bad Gateway"},
	} {
		refusing.refuse, refusing.offers = c.status, c.offers
		wantUnreachable(t, exchange(t.Context(), client(t, protocol.Network{Proxy: c.proxy}), url), url, c.cause, c.words)
	}
	secured := "https" + strings.TrimPrefix(refusing.URL, "http")
	wantUnreachable(t, exchange(t.Context(), client(t, protocol.Network{Proxy: secured}), url), url, "proxy", "the proxy does not speak TLS")
	for _, scheme := range []string{"http", "https", "socks5"} {
		c := client(t, protocol.Network{Proxy: scheme + "://sam:glfake-pw@127.0.0.1:1"})
		wantUnreachable(t, exchange(t.Context(), c, url), url, "proxy", "the proxy does not answer")
		wantUnreachable(t, exchange(t.Context(), c, "http://gitlab.test"), "http://gitlab.test", "proxy", "the proxy does not answer")
	}
}

func TestCertificateOfTheProxy(t *testing.T) {
	environment(t, nil)
	proxy := secure(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t).issue(template("proxy.test"))}}, hello)
	err := exchange(t.Context(), client(t, protocol.Network{Proxy: proxy.URL}), "https://gitlab.test")
	e := wantError(t, err, protocol.CertificateUntrusted, "https://gitlab.test")
	if !strings.Contains(e.Message, "the certificate of the proxy (CN=proxy.test,O=Example, issued by") {
		t.Errorf("got %s", e.Message)
	}
}

func TestProxyThatIsNoURL(t *testing.T) {
	environment(t, nil)
	for _, proxy := range []string{"ftp://proxy.example.com", "file:///proxy", "proxy.example.com:3128", "127.0.0.1:3128", "proxy", "http://", "http:///x", "%zz", "http://sam:glfake-pw@%zz"} {
		_, err := new(providers.Transports).Get(protocol.Network{Proxy: proxy})
		if e := wantError(t, err, protocol.InvalidParams, ""); !strings.Contains(e.Message, "network.proxy") {
			t.Errorf("%s: %s", proxy, e.Message)
		}
	}
}

// What an instance sets counts before what all have, one by one.
func TestSettingsOfAnInstanceComeFirst(t *testing.T) {
	all := protocol.Network{Proxy: "http://a:1", NoProxy: "a.test", CAFile: "/a.pem", ClientCertFile: "/a.crt", ClientKeyFile: "/a.key"}
	for name, c := range map[string]struct{ over, want protocol.Network }{
		"nothing":       {protocol.Network{}, all},
		"a CA file":     {protocol.Network{CAFile: "/b.pem"}, protocol.Network{Proxy: "http://a:1", NoProxy: "a.test", CAFile: "/b.pem", ClientCertFile: "/a.crt", ClientKeyFile: "/a.key"}},
		"no proxy":      {protocol.Network{NoProxy: "*"}, protocol.Network{Proxy: "http://a:1", NoProxy: "*", CAFile: "/a.pem", ClientCertFile: "/a.crt", ClientKeyFile: "/a.key"}},
		"a proxy":       {protocol.Network{Proxy: "http://b:1"}, protocol.Network{Proxy: "http://b:1", NoProxy: "a.test", CAFile: "/a.pem", ClientCertFile: "/a.crt", ClientKeyFile: "/a.key"}},
		"half of a key": {protocol.Network{ClientCertFile: "/b.crt"}, protocol.Network{Proxy: "http://a:1", NoProxy: "a.test", CAFile: "/a.pem", ClientCertFile: "/b.crt"}},
	} {
		if got := providers.Override(all, c.over); got != c.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	proxy, err := providers.ProxyFor(providers.Override(all, protocol.Network{NoProxy: "*"}), "https://gitlab.test")
	if err != nil || proxy.URL != nil {
		t.Errorf("asked through %v, %v", proxy.URL, err)
	}
}

// A variable that is no proxy is told of, where it counts: httpproxy passes it over,
// and asks directly. It may have a password in it.
func TestVariableThatIsNoProxy(t *testing.T) {
	for value, good := range map[string]bool{
		"http://sam:glfake-pw@%zz": false, "ftp://sam:glfake-pw@proxy.test": false, "http://": false, "sam:glfake-pw@": false,
		"http://proxy.test:3128": true, "proxy.test:3128": true, "proxy.test": true, "127.0.0.1:3128": true, "socks5://proxy.test": true, "sam:pw@proxy.test": true,
	} {
		environment(t, map[string]string{"HTTPS_PROXY": value, "NO_PROXY": "inside.test"})
		proxy, err := providers.ProxyFor(protocol.Network{}, "https://gitlab.test")
		switch {
		case good && (err != nil || proxy.URL == nil):
			t.Errorf("%s: %v, %v", value, proxy, err)
		case !good:
			wantError(t, err, protocol.HostUnreachable, "")
			err := exchange(t.Context(), client(t, protocol.Network{}), "https://gitlab.test")
			if e := wantError(t, err, protocol.HostUnreachable, ""); e.Details == nil || e.Details.Cause != "proxy" || !strings.Contains(e.Message, "HTTPS_PROXY") {
				t.Errorf("%s: got %q", value, e.Message)
			}
		}
		for _, address := range []string{"https://inside.test", "http://gitlab.test"} {
			if proxy, err := providers.ProxyFor(protocol.Network{}, address); err != nil || proxy.URL != nil {
				t.Errorf("%s, for %s: %v, %v", value, address, proxy, err)
			}
		}
	}
}
