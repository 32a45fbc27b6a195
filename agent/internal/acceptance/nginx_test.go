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
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// nginxFrame is the configuration of an nginx that keeps all of its files in the
// folder that it is given; so its worker is the user of the test, who alone can look
// into that. It logs what most logs are set to leave out.
const nginxFrame = `
daemon off;
worker_processes 1;
user %[2]s;
pid %[1]s/pid;
error_log stderr info;
events {}
http {
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  %[3]s
}
`

// nginxBefore has nginx speak TLS before servers that speak plain http, as most
// instances have it.
var nginxBefore = template.Must(template.New("nginx.conf").Parse(`
  access_log off;
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
	origin, _ = runNginx(t, func(dir, address string) string {
		issue(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
		var config bytes.Buffer
		err := nginxBefore.Execute(&config, struct {
			Dir, Address, Extra string
			Behind              []string
		}{dir, address, extra, behind})
		if err != nil {
			t.Fatal(err)
		}
		return config.String()
	})
	return origin
}

// runNginx starts an nginx with what http returns of its configuration, for the
// folder that it has and the address that it listens at. It ends with the test; stop
// ends it before, and returns its error log.
func runNginx(t *testing.T, http func(dir, address string) string) (origin string, stop func() string) {
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
	file := filepath.Join(dir, "nginx.conf")
	write(t, file, fmt.Appendf(nil, nginxFrame, dir, me.Username, http(dir, address)))
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
	stop = sync.OnceValue(func() string {
		defer time.AfterFunc(farewell, func() { _ = cmd.Process.Kill() }).Stop()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("nginx ended with %v", err)
		}
		return stderr.String()
	})
	t.Cleanup(func() {
		if log := stop(); t.Failed() {
			t.Logf("nginx wrote:\n%s", log)
		}
	})
	return "https://" + address, stop
}
