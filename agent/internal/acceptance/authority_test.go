//go:build doorkeeper || network

package acceptance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An authority is an organisation's own, which no system trusts by itself.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	file string // with the PEM: for network.caFile
}

// newAuthority makes one whose file lies with the test's.
func newAuthority(t *testing.T) *authority {
	t.Helper()
	ca := &authority{key: newKey(t), file: filepath.Join(t.TempDir(), "ca.pem")}
	ca.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example Private CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	ca.pem = ca.sign(t, ca.cert, ca.key)
	write(t, ca.file, ca.pem)
	return ca
}

// issue writes a certificate for this machine, and its key.
func (ca *authority) issue(t *testing.T, certFile, keyFile string) {
	t.Helper()
	ca.issueOther(func(*x509.Certificate) {})(t, certFile, keyFile)
}

// issueOther returns an issue whose certificates are changed before they are signed.
func (ca *authority) issueOther(change func(*x509.Certificate)) func(t *testing.T, certFile, keyFile string) {
	return func(t *testing.T, certFile, keyFile string) {
		t.Helper()
		key := newKey(t)
		cert := &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "gitlab.example.com"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			DNSNames: []string{"localhost", "gitlab.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		}
		change(cert)
		write(t, certFile, ca.sign(t, cert, key))
		writeKey(t, keyFile, key)
	}
}

func writeKey(t *testing.T, keyFile string, key *ecdsa.PrivateKey) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// below makes an authority that this one vouches for, and that nobody else knows.
func (ca *authority) below(t *testing.T) *authority {
	t.Helper()
	between := &authority{key: newKey(t)}
	between.cert = &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "Example Intermediate CA"},
		NotBefore: ca.cert.NotBefore, NotAfter: ca.cert.NotAfter,
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	between.pem = ca.sign(t, between.cert, between.key)
	return between
}

func pemOf(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func (ca *authority) sign(t *testing.T, cert *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, ca.cert, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// client returns a client that trusts the authority alone.
func (ca *authority) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.pem)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
