package auth_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
)

const address = "https://gitlab.example.com/oauth/authorize?client_id=1&state=a%20b"

func TestTheBrowserOfTheEnvironmentIsOpened(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	list := string(os.PathListSeparator)
	for name, c := range map[string]struct{ browser, want string }{
		"a command":                             {self, address},
		"with words":                            {self + " --new-window", "--new-window\n" + address},
		"with a place for the URL":              {self + " --url=%s --quiet", "--url=" + address + "\n--quiet"},
		"the second where the first is missing": {missing + list + self, address},
		"the second where the first is empty":   {list + self + " %s", address},
	} {
		t.Run(name, func(t *testing.T) {
			calls := expectBrowser(t)
			t.Setenv("BROWSER", c.browser)
			if err := auth.OpenBrowser(t.Context(), address); err != nil {
				t.Fatal(err)
			}
			if got := calls(); got != c.want {
				t.Errorf("the browser was called with %q, want %q", got, c.want)
			}
		})
	}
}

func TestNoBrowserOfTheEnvironmentCanBeStarted(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("BROWSER", missing+string(os.PathListSeparator))
	err := auth.OpenBrowser(t.Context(), address)
	if err == nil || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "empty") {
		t.Errorf("the error is %v, want one that names both commands", err)
	}
}

// expectBrowser makes this binary a browser, and returns a function that waits
// until it was started and returns what with.
func expectBrowser(t *testing.T) func() string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	t.Setenv(browserVariable, listener.Addr().String())
	return func() string {
		t.Helper()
		listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		conn, err := listener.Accept()
		if err != nil {
			t.Fatalf("no browser was started: %v", err)
		}
		defer conn.Close()
		args, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return string(args)
	}
}
