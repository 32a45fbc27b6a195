package natstest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAStrangerJoinsNoCluster: a server that is in the cluster is above every
// permission, so one needs more than to reach the port.
func TestAStrangerJoinsNoCluster(t *testing.T) {
	cluster, err := StartCluster(t.TempDir(), Options{})
	t.Cleanup(func() { cluster.Kill() })
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ user, password, want string }{
		"with the password":     {routeUser, routePassword, "PONG"},
		"with another password": {routeUser, SecretPrefix + "-guess", "-ERR 'Authorization Violation'"},
		"as a member":           {string(Member), Member.password(), "-ERR 'Authorization Violation'"},
		"without a password":    {"", "", "-ERR 'Authorization Violation'"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := joinAs(t, cluster[0].route, c.user, c.password); got != c.want {
				t.Errorf("a server is answered %q, want %q", got, c.want)
			}
		})
	}
}

// joinAs says to a server of a cluster that it is another one, and returns whether it
// is answered as such: a ping by a pong, or anything by an error.
func joinAs(t *testing.T, route, user, password string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", route, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	connect, err := json.Marshal(map[string]any{"name": "stranger", "user": user, "pass": password, "cluster": "registry"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "CONNECT %s\r\nINFO {\"server_id\": \"stranger\", \"server_name\": \"stranger\", \"cluster\": \"registry\"}\r\nPING\r\n", connect); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line == "PONG" || strings.HasPrefix(line, "-ERR") {
			return line
		}
	}
	return fmt.Sprint("nothing: ", lines.Err())
}
