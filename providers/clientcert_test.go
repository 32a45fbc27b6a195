package providers_test

import (
	"crypto/tls"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

func TestAServerThatWantsAClientCertificate(t *testing.T) {
	a := newAuthority(t)
	server := secure(t, &tls.Config{
		Certificates: []tls.Certificate{a.issue(template("gitlab.example.com"))},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: a.pool(),
	}, hello)
	err := exchange(t.Context(), client(t, protocol.Network{CAFile: a.file()}), server.URL)
	wantUnreachable(t, err, server.URL, "clientCertificate", "wants a client certificate")
}

// What a browser saves is often in the other of the two forms.
func TestACertificateInTheOtherForm(t *testing.T) {
	text, err := os.ReadFile(newAuthority(t).file())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	der := filepath.Join(t.TempDir(), "ca.cer")
	if err := os.WriteFile(der, block.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = new(providers.Transports).Get(protocol.Network{CAFile: der})
	if err == nil || !strings.Contains(err.Error(), "DER form") || !strings.Contains(err.Error(), "openssl x509 -inform der") {
		t.Errorf("the error is %v", err)
	}
}
