package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// quiet is for handshakes that are meant to fail.
var quiet = log.New(io.Discard, "", 0)

// startGate puts a server before the GitLab that wants a client certificate. One
// certificate is all there is: the server's, the client's, and the authority of both.
func startGate(ts *testscript.TestScript, neg bool, args []string) {
	pair := certificate(ts)
	authorities := x509.NewCertPool()
	authorities.AddCert(pair.Leaf)
	server := httptest.NewUnstartedServer(onTo(ts))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authorities}
	server.Config.ErrorLog = quiet
	server.StartTLS()
	ts.Defer(server.Close)
	ts.Setenv("GATE", server.URL)
}

func certificate(ts *testscript.TestScript) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	ts.Check(os.WriteFile(ts.MkAbs("cert.pem"), certPEM, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("key.pem"), keyPEM, 0o600))
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	ts.Check(err)
	return pair
}

// startProxy starts a proxy that finds every host at the GitLab, and wants sam's
// password.
func startProxy(ts *testscript.TestScript, neg bool, args []string) {
	password := providertest.SecretPrefix + rand.Text()
	wants := "Basic " + base64.StdEncoding.EncodeToString([]byte("sam:"+password))
	on := onTo(ts)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != wants {
			w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		on.ServeHTTP(w, r)
	}))
	ts.Defer(server.Close)
	ts.Setenv("PROXY", server.Listener.Addr().String())
	ts.Check(os.WriteFile(ts.MkAbs("proxy-password"), []byte(password+"\n"), 0o600))
}

func onTo(ts *testscript.TestScript) http.Handler {
	to, err := url.Parse(of(ts).URL())
	ts.Check(err)
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  quiet,
	}
}
