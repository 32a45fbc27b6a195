//go:build doorkeeper || network

package acceptance

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// nginxConfig has nginx speak TLS before servers that speak plain http, as most
// instances have it. It keeps all of its files in the folder that it is given; so its
// worker is the user of the test, who alone can look into that.
var nginxConfig = template.Must(template.New("nginx.conf").Parse(`
daemon off;
worker_processes 1;
user {{.User}};
pid {{.Dir}}/pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
  upstream behind {
{{- range .Behind}}
    server {{.}};
{{- end}}
  }
  server {
    listen {{.Address}} ssl;
    ssl_certificate {{.Dir}}/cert.pem;
    ssl_certificate_key {{.Dir}}/key.pem;
    {{.Extra}}
    location / {
      proxy_pass http://behind;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
    }
  }
}
`))

// startNginx starts an nginx with a certificate of the authority before servers
// that take turns, given as host:port, and returns its https origin. It ends with
// the test.
func startNginx(t *testing.T, ca *authority, behind ...string) (origin string) {
	t.Helper()
	return startNginxWith(t, ca.issue, "", behind...)
}

// startNginxWith is startNginx with another certificate and with more directives.
func startNginxWith(t *testing.T, issue func(t *testing.T, certFile, keyFile string), extra string, behind ...string) (origin string) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // which is not in everybody's PATH
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	dir, address := t.TempDir(), listener.Addr().String()
	issue(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	var config bytes.Buffer
	err = nginxConfig.Execute(&config, struct {
		Dir, Address, User, Extra string
		Behind                    []string
	}{dir, address, me.Username, extra, behind})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, config.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-p", dir, "-e", "stderr", "-c", file)
	// It takes the socket over as from an earlier nginx (nginx.org, "Upgrading
	// Executable on the Fly"): nobody else can have got the port meanwhile, and who
	// connects before it serves waits.
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Env = append(os.Environ(), "NGINX=3;")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("these tests need nginx, of the Debian package nginx-light: %v", err)
	}
	t.Cleanup(func() {
		defer time.AfterFunc(farewell, func() { _ = cmd.Process.Kill() }).Stop()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("nginx ended with %v, and wrote:\n%s", err, &stderr)
		}
	})
	return fmt.Sprintf("https://%s", address)
}
