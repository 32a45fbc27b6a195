package relay_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/relay"
)

// pair is a certificate with its key, in PEM form.
type pair struct{ cert, key []byte }

func newPair(t *testing.T, name string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}
}

// tlsRelay is a relay that speaks TLS, with files that can be replaced.
type tlsRelay struct {
	t                 *testing.T
	certFile, keyFile string
	address           string
	written           time.Time // of the newest file
	log               bytes.Buffer
	stop              func()
}

func startTLS(t *testing.T, first pair) *tlsRelay {
	t.Helper()
	dir := t.TempDir()
	r := &tlsRelay{t: t, certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"), written: time.Now().Add(-time.Hour)}
	r.write(r.certFile, first.cert)
	r.write(r.keyFile, first.key)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- relay.Serve(ctx, listener, relay.Config{
			Path: relay.DefaultPath, CertFile: r.certFile, KeyFile: r.keyFile, Log: slog.New(slog.NewJSONHandler(&r.log, nil)),
		})
	}()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the relay ended with %v", err)
		}
	}
	return r
}

// write replaces a file, a second after the one before it.
func (r *tlsRelay) write(path string, content []byte) {
	r.t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.written = r.written.Add(time.Second)
	if err := os.Chtimes(path, r.written, r.written); err != nil {
		r.t.Fatal(err)
	}
}

// wantName wants the certificate of that name from the relay, each of some times.
func (r *tlsRelay) wantName(name string) {
	r.t.Helper()
	for range 3 {
		conn, err := tls.Dial("tcp", r.address, &tls.Config{InsecureSkipVerify: true}) // whose it is, is the question
		if err != nil {
			r.t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].Subject.CommonName; got != name {
			r.t.Errorf("the relay has the certificate %s, want %s", got, name)
		}
		conn.Close()
	}
}

// A certificate is renewed while the relay serves. The two files change one after the
// other, and somebody may get one of them wrong: nobody may learn of that when the
// earlier certificate has expired.
func TestARenewedCertificateThatDoesNotLoadIsLogged(t *testing.T) {
	first, second := newPair(t, "first.example.com"), newPair(t, "second.example.com")
	r := startTLS(t, first)
	r.wantName("first.example.com")
	r.write(r.certFile, second.cert) // with the key of the first
	r.wantName("first.example.com")
	r.write(r.certFile, []byte("no certificate"))
	r.wantName("first.example.com")
	r.write(r.certFile, second.cert)
	r.write(r.keyFile, second.key)
	r.wantName("second.example.com")
	if err := os.Remove(r.keyFile); err != nil {
		t.Fatal(err)
	}
	r.wantName("second.example.com")
	r.stop()
	log := r.log.String()
	if n := strings.Count(log, `"level":"ERROR"`); n != 3 {
		t.Errorf("%d errors are logged, want one for each of three mistakes:\n%s", n, log)
	}
	for _, words := range []string{"does not match", "failed to find any PEM data", "key.pem", `"msg":"the certificate is new"`} {
		if !strings.Contains(log, words) {
			t.Errorf("the log does not say %q:\n%s", words, log)
		}
	}
	if strings.Contains(log, "PRIVATE KEY") {
		t.Error("a key is in the log")
	}
}

func TestTheFirstCertificateHasToLoad(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "cert.pem")
	err = relay.Serve(t.Context(), listener, relay.Config{Path: relay.DefaultPath, CertFile: missing, KeyFile: missing, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v", err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("somebody still listens")
	}
}
