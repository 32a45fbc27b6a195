package registry

import (
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// newAuthority makes an authority that nobody knows.
func newAuthority(t *testing.T, dir string) *natstest.Authority {
	t.Helper()
	a, err := natstest.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// certify makes an authority, and a server's certificate that it has signed.
func certify(t *testing.T, dir string) (*natstest.Authority, natstest.Options) {
	t.Helper()
	a := newAuthority(t, dir)
	o, err := a.Certify()
	if err != nil {
		t.Fatal(err)
	}
	return a, o
}

// trust is what an agent makes of network.caFile.
func trust(t *testing.T, caFile string) *tls.Config {
	t.Helper()
	config, err := providers.TLSConfig(protocol.Network{CAFile: caFile})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// TestTLS has a registry with the certificate of a company's own authority.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, o := certify(t, dir)
	other := newAuthority(t, filepath.Join(dir, "other"))
	path := filepath.Join(dir, "credentials.json")
	if err := natstest.WriteCredentials(path, natstest.Maintainer, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	with := func(name string, address net.IP, until time.Time) string {
		t.Helper()
		o, err := authority.CertifyFor(name, address, until)
		if err != nil {
			t.Fatal(err)
		}
		return startServer(t, o).URL
	}
	secure, open := startServer(t, o).URL, startServer(t, natstest.Options{}).URL
	expired := with("expired", net.IPv4(127, 0, 0, 1), time.Now().Add(-time.Hour))
	elsewhere := with("elsewhere", net.IPv4(192, 0, 2, 1), time.Now().Add(time.Hour))
	_, port, _ := net.SplitHostPort(secure[len("tls://"):])

	t.Run("trusted", func(t *testing.T) {
		t.Parallel()
		m := joinWith(t, protocol.Team{Registry: secure, CredentialsFile: path}, trust(t, authority.File))
		if problem := m.awaitProblem(); problem.Details.Cause != "bucket" {
			t.Fatalf("the problem is %+v, want that there is no bucket", problem)
		}
		m.publish(entry("first"), 0)
		m.awaitNamed("first")
	})
	refused := map[string]struct {
		url   string
		trust *tls.Config
		cause string
		says  string // in the message or the hint
	}{
		"an unknown authority":              {secure, trust(t, ""), "certificate", "network.caFile"},
		"another authority":                 {secure, trust(t, other.File), "certificate", "network.caFile"},
		"an unknown authority behind nats:": {"nats://127.0.0.1:" + port, trust(t, ""), "certificate", "network.caFile"},
		"no configuration of TLS":           {secure, nil, "certificate", "network.caFile"},
		"another name for the server":       {"tls://localhost:" + port, trust(t, authority.File), "certificate", "127.0.0.1"},
		"another host's certificate":        {elsewhere, trust(t, authority.File), "certificate", "it is for another host: 192.0.2.1"},
		"an expired certificate":            {expired, trust(t, authority.File), "certificate", "it has expired"},
		"tls: of a server without TLS":      {"tls://" + open[len("nats://"):], trust(t, authority.File), "tls", "TLS on"},
	}
	for name, c := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := joinWith(t, protocol.Team{Registry: c.url, CredentialsFile: path}, c.trust)
			problem := m.awaitProblem()
			if problem.Code != protocol.RegistryUnavailable || problem.Details.Cause != c.cause || !strings.Contains(problem.Message+problem.Hint, c.says) {
				t.Errorf("the problem is %+v of cause %q, want %q and %q", problem, problem.Details.Cause, c.cause, c.says)
			}
			if _, err := m.Publish(t.Context(), entry("first"), Version{}); !errors.Is(err, protocol.RegistryUnavailable) {
				t.Errorf("a publication is answered %v", err)
			}
		})
	}
}
