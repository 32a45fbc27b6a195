//go:build network

package acceptance

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
)

// squidConfig is a proxy that wants a password, knows where gitlab.test is, and lets
// forbidden.test be reached by nobody. It asks no name server of the network's.
var squidConfig = template.Must(template.New("squid.conf").Parse(`
{{- if .TLS}}
https_port {{.Address}} tls-cert={{.Dir}}/cert.pem tls-key={{.Dir}}/key.pem
{{- else}}
http_port {{.Address}}
{{- end}}
auth_param basic program {{.Helper}} {{.Dir}}/passwords
auth_param basic children 1
acl forbidden dstdomain forbidden.test
acl known proxy_auth REQUIRED
http_access deny forbidden
http_access allow known
http_access deny all
hosts_file {{.Dir}}/hosts
dns_nameservers 127.0.0.1
cache deny all
access_log none
cache_log /dev/null
pid_filename none
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname proxy.example.com
`))

// squid is a running proxy.
type squid struct{ address string }

const proxyUser, proxyPassword = "sam", "glfake-pw-proxy"

// startSquid starts a proxy, which speaks TLS with a certificate of the authority
// unless that is nil. It ends with the test.
func startSquid(t *testing.T, ca *authority) squid {
	t.Helper()
	dir := publicDir(t) // it gives up root's rights, and has to read its files without them
	hash := exec.Command("openssl", "passwd", "-apr1", "-stdin")
	hash.Stdin = strings.NewReader(proxyPassword)
	hashed, err := hash.Output()
	if err != nil {
		t.Fatalf("these tests need openssl: %v", err)
	}
	files := map[string]string{
		"passwords": proxyUser + ":" + string(hashed),
		"hosts":     "127.0.0.1 gitlab.test forbidden.test\n",
	}
	if ca != nil {
		ca.issue(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	}
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	s := squid{"127.0.0.1:" + port}
	var config bytes.Buffer
	err = squidConfig.Execute(&config, struct {
		Dir, Address, Helper string
		TLS                  bool
	}{dir, s.address, "/usr/lib/squid/basic_ncsa_auth", ca != nil})
	if err != nil {
		t.Fatal(err)
	}
	files["squid.conf"] = config.String()
	for name, content := range files {
		write(t, filepath.Join(dir, name), []byte(content))
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	startServer(t, "squid", "Accepting ", "-N", "-d", "1", "-f", filepath.Join(dir, "squid.conf"))
	return s
}

// url is the proxy's, with a user and a password unless user is empty.
func (s squid) url(scheme, user, password string) string {
	if user == "" {
		return scheme + "://" + s.address
	}
	return fmt.Sprintf("%s://%s:%s@%s", scheme, user, password, s.address)
}
