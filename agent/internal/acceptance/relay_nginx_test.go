//go:build network

package acceptance

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/freeport"
)

// TestTheCodeIsInNoLogOfNginx runs the server block that administrators are given,
// before a relay and before none: where nobody is behind, nginx has an error to log,
// and has the whole request in it unless it is told not to.
func TestTheCodeIsInNoLogOfNginx(t *testing.T) {
	t.Parallel()
	relay := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(relay.Close)
	nobody, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	for name, behind := range map[string]string{"before a relay": relay.Listener.Addr().String(), "before none": "127.0.0.1:" + nobody} {
		t.Run(name, func(t *testing.T) {
			ca := newAuthority(t)
			var accessLog string
			origin, stop := runNginx(t, func(dir, address string) string {
				accessLog = filepath.Join(dir, "access.log")
				ca.issue(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
				return shippedConfig(t, map[string]string{
					"127.0.0.1:8080":                       behind,
					"listen 443 ssl":                       "listen " + address + " ssl",
					"/etc/ssl/codestream.example.com.pem":  filepath.Join(dir, "cert.pem"),
					"/etc/ssl/codestream.example.com.key":  filepath.Join(dir, "key.pem"),
					"/var/log/nginx/codestream-relay.log ": accessLog + " ",
				})
			})
			client := ca.client()
			const query = "?code=THECODE&state=THESTATE"
			for _, path := range []string{"/no-auth/provider-token/gitlab_enterprise" + query, "/no-auth/elsewhere" + query, "/healthz"} {
				resp, err := client.Get(origin + path)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
			errors := stop()
			access, err := os.ReadFile(accessLog)
			if err != nil || strings.Count(string(access), "GET /no-auth/provider-token/gitlab_enterprise\"") != 1 {
				t.Errorf("the access log: %s, %v", access, err)
			}
			for _, log := range []string{string(access), errors} {
				if strings.Contains(log, "THECODE") || strings.Contains(log, "THESTATE") {
					t.Errorf("a code or a state is in a log of nginx:\n%s", log)
				}
			}
		})
	}
}

// shippedConfig is testdata/relay/nginx.conf, with what belongs to a machine changed.
func shippedConfig(t *testing.T, changes map[string]string) string {
	t.Helper()
	config, err := os.ReadFile("../../../testdata/relay/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := string(config)
	for from, to := range changes {
		if !strings.Contains(text, from) {
			t.Fatalf("nginx.conf lacks %q", from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}
