package providers

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TLSConfig returns whose certificates are believed, and who the client is. It
// returns InvalidParams for a file that cannot be read.
func TLSConfig(n protocol.Network) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if n.CAFile != "" {
		authorities, err := readAuthorities(n.CAFile)
		if err != nil {
			return nil, err
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		for _, authority := range authorities {
			pool.AddCert(authority)
		}
		config.RootCAs = pool
	}
	if n.ClientCertFile != "" || n.ClientKeyFile != "" {
		pair, err := readPair(n.ClientCertFile, n.ClientKeyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// readAuthorities reads a file of certificates. One that cannot be read is refused
// and not passed over, since nobody would find out why it does not count.
func readAuthorities(path string) (authorities []*x509.Certificate, err error) {
	const field = "network.caFile"
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, invalidNetwork(field, "cannot be read", err)
	}
	other := ""
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			other = block.Type
			continue
		}
		authority, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, invalidNetwork(field, fmt.Sprintf("has a certificate, number %d in it, that cannot be read", len(authorities)+1), err)
		}
		authorities = append(authorities, authority)
	}
	_, notDER := x509.ParseCertificate(content)
	switch {
	case len(authorities) > 0:
		return authorities, nil
	case len(bytes.TrimSpace(content)) == 0:
		return nil, invalidNetwork(field, "has no certificate: it is empty", nil)
	case notDER == nil:
		return nil, invalidNetwork(field, "has no certificate in PEM form: it is in DER form; \"openssl x509 -inform der -in FILE -out FILE.pem\" makes PEM of it", nil)
	case other != "":
		return nil, invalidNetwork(field, "has no certificate in PEM form, but a "+Shorten(other, 40), nil)
	}
	return nil, invalidNetwork(field, "has no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----", nil)
}

// readPair reads a client certificate with its key.
func readPair(certFile, keyFile string) (tls.Certificate, error) {
	const field = "network.clientCertFile with network.clientKeyFile"
	if key, err := os.ReadFile(keyFile); err == nil && hasPassphrase(key) {
		return tls.Certificate{}, invalidNetwork("network.clientKeyFile", "has a passphrase, which nobody can enter here; \"openssl pkey -in FILE -out FILE.pem\" takes it off: keep that file readable for you alone", nil)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return pair, invalidNetwork(field, "is not a certificate with its key", err)
	}
	return pair, nil
}

// hasPassphrase reports whether a key in PEM form is encrypted (RFC 5958 section 3,
// RFC 1421 section 4.6.1.1).
func hasPassphrase(content []byte) bool {
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return true
		}
	}
	return false
}

func invalidNetwork(field, problem string, err error) error {
	message := field + " " + problem
	if err != nil {
		message += ": " + err.Error()
	}
	return &protocol.Error{Code: protocol.InvalidParams, Message: message, Hint: fmt.Sprintf("Mend %s: in the editor's settings, or where the instance is configured.", field), Err: err}
}
