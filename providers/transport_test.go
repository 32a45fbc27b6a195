package providers_test

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

func TestCAFileIsTrusted(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	server := secure(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(template("gitlab.test"))}}, hello)
	for name, c := range map[string]struct {
		file string
		code protocol.Code
	}{
		"the right one":       {ca.file(), 0},
		"another one":         {other.file(), protocol.CertificateUntrusted},
		"the system's":        {"", protocol.CertificateUntrusted},
		"one of several":      {write(t, slices.Concat(pemOf(t, other.file()), pemOf(t, ca.file()))), 0},
		"after other content": {write(t, append([]byte("# the company's\n"), pemOf(t, ca.file())...)), 0},
	} {
		err := exchange(t.Context(), client(t, protocol.Network{CAFile: c.file}), server.URL)
		if c.code == 0 && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.code != 0 {
			wantError(t, err, c.code, server.URL)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	certFile, keyFile := files(t, ca.issue(template("sam")))
	wrongCert, wrongKey := files(t, newAuthority(t).issue(template("alex")))
	whose := func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.TLS.PeerCertificates[0].Subject.CommonName))
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{ca.issue(template("gitlab.test"))},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(),
	}
	server := secure(t, config.Clone(), whose)
	body, err := get(t, client(t, protocol.Network{CAFile: ca.file(), ClientCertFile: certFile, ClientKeyFile: keyFile}), server.URL)
	if err != nil || body != "sam" {
		t.Errorf("got %q, %v", body, err)
	}
	none, another := protocol.Network{CAFile: ca.file()}, protocol.Network{CAFile: ca.file(), ClientCertFile: wrongCert, ClientKeyFile: wrongKey}
	wantUnreachable(t, exchange(t.Context(), client(t, none), server.URL), server.URL, "clientCertificate", "wants a client certificate")
	wantUnreachable(t, exchange(t.Context(), client(t, another), server.URL), server.URL, "clientCertificate", "client certificate")

	// TLS 1.2 has no alert of its own for a certificate that is missing.
	config.MaxVersion = tls.VersionTLS12
	server = secure(t, config, whose)
	err = exchange(t.Context(), client(t, none), server.URL)
	wantUnreachable(t, err, server.URL, "tls", "breaks the TLS handshake off")
	if e := wantError(t, err, protocol.HostUnreachable, server.URL); !strings.Contains(e.Hint, "client certificate") {
		t.Errorf("the hint is %q", e.Hint)
	}
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	ca := newAuthority(t)
	certFile, keyFile := files(t, ca.issue(template("sam")))
	_, otherKey := files(t, ca.issue(template("alex")))
	missing := filepath.Join(t.TempDir(), "none.pem")
	for name, c := range map[string]struct {
		network protocol.Network
		field   string
	}{
		"no such CA file":        {protocol.Network{CAFile: missing}, "network.caFile cannot be read"},
		"a directory":            {protocol.Network{CAFile: t.TempDir()}, "network.caFile is not a file"},
		"a CA file without one":  {protocol.Network{CAFile: write(t, []byte("hello"))}, "network.caFile has no certificate"},
		"a CA file with a key":   {protocol.Network{CAFile: keyFile}, "network.caFile has no certificate in PEM form, but a PRIVATE KEY"},
		"an empty CA file":       {protocol.Network{CAFile: write(t, nil)}, "network.caFile has no certificate: it is empty"},
		"a CA file in DER":       {protocol.Network{CAFile: write(t, ca.cert.Raw)}, "it is in DER form"},
		"a CA file cut in half":  {protocol.Network{CAFile: writePEM(t, "CERTIFICATE", ca.cert.Raw[:99])}, "number 1 in it, that cannot be read"},
		"its second cut in half": {protocol.Network{CAFile: write(t, slices.Concat(pemOf(t, ca.file()), pemOf(t, writePEM(t, "CERTIFICATE", ca.cert.Raw[:99]))))}, "number 2 in it, that cannot be read"},
		"a key with passphrase":  {protocol.Network{ClientCertFile: certFile, ClientKeyFile: writePEM(t, "ENCRYPTED PRIVATE KEY", []byte("x"))}, "network.clientKeyFile has a passphrase"},
		"a certificate alone":    {protocol.Network{ClientCertFile: certFile}, "network.clientCertFile with network.clientKeyFile"},
		"a key alone":            {protocol.Network{ClientKeyFile: keyFile}, "network.clientCertFile with network.clientKeyFile"},
		"a key of another":       {protocol.Network{ClientCertFile: certFile, ClientKeyFile: otherKey}, "is not a certificate with its key"},
		"the two the wrong way":  {protocol.Network{ClientCertFile: keyFile, ClientKeyFile: certFile}, "is not a certificate with its key"},
		"no such certificate":    {protocol.Network{ClientCertFile: missing, ClientKeyFile: keyFile}, missing},
		"a proxy that is no URL": {protocol.Network{Proxy: "proxy:3128"}, "network.proxy is not the URL of a proxy"},
	} {
		var transports providers.Transports
		_, err := transports.Get(c.network)
		if e := wantError(t, err, protocol.InvalidParams, ""); !strings.Contains(e.Message, c.field) {
			t.Errorf("%s: got %q, want %q", name, e.Message, c.field)
		}
	}
}

// Who mends a file need not restart the editor.
func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	ca := newAuthority(t)
	server := secure(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(template("gitlab.test"))}}, hello)
	file := filepath.Join(t.TempDir(), "ca.pem")
	var transports providers.Transports
	t.Cleanup(transports.CloseIdle)
	ask := func() error {
		transport, err := transports.Get(protocol.Network{CAFile: file})
		if err != nil {
			return err
		}
		return exchange(t.Context(), providers.NewClient(transport, server.URL), server.URL)
	}
	for i, step := range []struct {
		content string
		code    protocol.Code
	}{
		{"", protocol.InvalidParams},
		{newAuthority(t).file(), protocol.CertificateUntrusted},
		{ca.file(), 0},
	} {
		if step.content != "" {
			if err := os.WriteFile(file, pemOf(t, step.content), 0o600); err != nil {
				t.Fatal(err)
			}
			at := time.Unix(1700000000+int64(i), 0) // a file system may keep seconds alone
			if err := os.Chtimes(file, at, at); err != nil {
				t.Fatal(err)
			}
		}
		if err := ask(); step.code == 0 && err != nil || step.code != 0 && !errors.Is(err, step.code) {
			t.Errorf("step %d: got %v", i, err)
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	ca := newAuthority(t)
	server := secure(t, &tls.Config{
		Certificates: []tls.Certificate{ca.issue(template("gitlab.test"))},
		MinVersion:   tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	}, hello)
	err := exchange(t.Context(), client(t, protocol.Network{CAFile: ca.file()}), server.URL)
	wantUnreachable(t, err, server.URL, "tls", "none of TLS 1.2 and 1.3")
}

// connections counts a server's.
type connections struct {
	mu     sync.Mutex
	opened int
	closed chan struct{}
}

func (c *connections) watch(_ net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.opened++
	case http.StateClosed:
		c.closed <- struct{}{}
	}
}

func TestConnectionsAreUsedAgainUntilCloseIdle(t *testing.T) {
	count := connections{closed: make(chan struct{}, 9)}
	server := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	server.Config.ConnState = count.watch
	server.Start()
	defer server.Close()
	var transports providers.Transports
	ask := func(n protocol.Network) {
		transport, err := transports.Get(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := get(t, providers.NewClient(transport, server.URL), server.URL); err != nil {
			t.Error(err)
		}
	}
	opened := func() int {
		count.mu.Lock()
		defer count.mu.Unlock()
		return count.opened
	}
	ask(protocol.Network{})
	ask(protocol.Network{})
	if opened() != 1 {
		t.Errorf("%d connections for two requests", opened())
	}
	ask(protocol.Network{NoProxy: "example.com"})
	if opened() != 2 {
		t.Errorf("other settings have the same connection")
	}
	transports.CloseIdle()
	<-count.closed
	<-count.closed
	ask(protocol.Network{})
	if opened() != 3 {
		t.Errorf("%d connections after CloseIdle", opened())
	}
	transports.CloseIdle()
}

func TestTransportsFromManyGoroutines(t *testing.T) {
	var transports providers.Transports
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			if _, err := transports.Get(protocol.Network{NoProxy: string(rune('a' + i%4))}); err != nil {
				t.Error(err)
			}
			transports.CloseIdle()
		})
	}
	group.Wait()
}

// Nobody fills the agent's memory with a header.
func TestHeadersAreBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("a", 2<<20))
	}))
	defer server.Close()
	wantUnreachable(t, exchange(t.Context(), client(t, protocol.Network{}), server.URL), server.URL, "connection", "broke")
}

func TestUserAgent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.UserAgent()))
	}))
	defer server.Close()
	transports := providers.Transports{UserAgent: "codestream-agent/1.2.3"}
	defer transports.CloseIdle()
	for range 2 {
		transport, err := transports.Get(protocol.Network{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := get(t, providers.NewClient(transport, server.URL), server.URL); err != nil || got != transports.UserAgent {
			t.Errorf("got %q, %v", got, err)
		}
	}
}
