package providers_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestMain lets the system trust the certificate of httptest's servers. Only
// where the system's trust store is a file can a test change it, and only before
// Go has read it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(runner(func() int { return withSystemRoots(m.Run) }))
}

// runner is what goleak runs.
type runner func() int

func (r runner) Run() int { return r() }

func withSystemRoots(run func() int) int {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	dir, err := os.MkdirTemp("", "roots")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := dir + "/system.pem"
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		log.Fatal(err)
	}
	os.Setenv("SSL_CERT_FILE", file)
	os.Setenv("SSL_CERT_DIR", dir)
	return run()
}

// A CA file adds to what the system trusts: who sets one for the company's GitLab
// still reaches the one with a public certificate.
func TestCAFileAddsToTheSystems(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	for name, n := range map[string]protocol.Network{"alone": {}, "with a CA file": {CAFile: newAuthority(t).file()}} {
		if err := exchange(t.Context(), client(t, n), server.URL); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
