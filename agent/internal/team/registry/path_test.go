package registry

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// TestNobodyOnThePathGetsThePassword: before TLS a server says in the clear where
// others of its cluster are, and so can whoever is between. The others are not asked,
// though they have certificates for what they are called.
func TestNobodyOnThePathGetsThePassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, o := certify(t, dir)
	certificate, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		t.Fatal(err)
	}

	asked := make(chan string, 10)
	elsewhere := providertest.Listen(t, func(conn net.Conn) {
		asked <- "it was asked"
		sayInfo(conn, "")
		secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
		line, _ := bufio.NewReader(secure).ReadString('\n')
		asked <- line
	})
	between := providertest.Listen(t, func(conn net.Conn) { sayInfo(conn, elsewhere) })
	path := filepath.Join(dir, "credentials.json")
	if err := natstest.WriteCredentials(path, natstest.Member, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	m := joinWith(t, protocol.Team{Registry: "tls://" + between, CredentialsFile: path}, trust(t, authority.File))
	m.awaitProblem() // an attempt to connect has ended, at all servers that it knew
	select {
	case got := <-asked:
		t.Errorf("a server that nobody has set: %s, %s", got, <-asked)
	default:
	}
}

// sayInfo begins as a server does, one of a cluster if another is named.
func sayInfo(conn net.Conn, other string) {
	others := "[]"
	if other != "" {
		others = fmt.Sprintf("[%q]", other)
	}
	fmt.Fprintf(conn, "INFO {\"server_id\": \"x\", \"version\": \"2.10.0\", \"proto\": 1, \"headers\": true, \"max_payload\": 1048576, \"tls_required\": true, \"connect_urls\": %s}\r\n", others)
}
