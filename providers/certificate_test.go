package providers_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

func TestCertificates(t *testing.T) {
	known, unknown := newAuthority(t), newAuthority(t)
	changed := func(do func(*x509.Certificate)) *x509.Certificate {
		c := template("gitlab.example.com")
		do(c)
		return c
	}
	hour := time.Hour
	expired := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = c.NotBefore.Add(-2*hour), c.NotBefore.Add(-hour) }
	early := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = c.NotAfter, c.NotAfter.Add(hour) }
	middle, pastMiddle := known.below(func(*x509.Certificate) {}), known.below(expired)
	stranger := unknown.below(func(*x509.Certificate) {})
	own := newAuthority(t)
	own.cert = own.sign(changed(func(c *x509.Certificate) { c.Subject = own.cert.Subject }), own.key) // and so vouches for itself
	for name, c := range map[string]struct {
		chain tls.Certificate
		cause string
		words string // of the message
		hint  string
	}{
		"unknown authority": {unknown.issue(template("gitlab.example.com")), "unknownAuthority", "nobody here knows the authority", "network.caFile"},
		"expired":           {known.issue(changed(expired)), "expired", "it has expired", "renew"},
		"not valid yet":     {known.issue(changed(early)), "notYetValid", "it is not valid before ", "clock"},
		"of another host": {known.issue(changed(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"gitlab.example.com"}, nil })),
			"wrongName", "it is for another host: gitlab.example.com", "Use a name"},
		"without a name": {known.issue(changed(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil })),
			"wrongName", "it is for another host: it names none", "Use a name"},
		"not for a server": {known.issue(changed(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} })),
			"invalid", "must not be used so", "made anew"},
		"by itself": {tls.Certificate{Certificate: [][]byte{own.cert.Raw}, PrivateKey: own.key}, "selfSigned", "it vouches for itself", "fingerprint"},
		"without the one between": {middle.issue(changed(func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.example.com/middle.crt"} })),
			"missingIntermediate", "does not send the certificate of its issuer", "whole chain"},
		"of whom nothing is known":      {middle.issue(template("gitlab.example.com")), "unknownAuthority", "nobody here knows", "whole chain"},
		"with a strange one between":    {with(stranger.issue(template("gitlab.example.com")), stranger), "unknownAuthority", "nobody here knows", "network.caFile"},
		"with one between that expired": {with(pastMiddle.issue(template("gitlab.example.com")), pastMiddle), "expired", "stands between", "renewed certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			server := secure(t, &tls.Config{Certificates: []tls.Certificate{c.chain}}, hello)
			err := exchange(t.Context(), client(t, protocol.Network{CAFile: known.file()}), server.URL)
			e := wantError(t, err, protocol.CertificateUntrusted, server.URL)
			if e.Details == nil || e.Details.Cause != c.cause || !strings.Contains(e.Message, c.words) || !strings.Contains(e.Hint, c.hint) {
				t.Fatalf("got %q with the hint %q, %+v; want %s", e.Message, e.Hint, e.Details, c.cause)
			}
			meant := c.chain.Certificate[0]
			if name == "with one between that expired" {
				meant = c.chain.Certificate[1]
			}
			cert, err := x509.ParseCertificate(meant)
			if err != nil {
				t.Fatal(err)
			}
			d := e.Details
			if d.Subject != cert.Subject.String() || d.Issuer != cert.Issuer.String() || !d.NotAfter.Equal(cert.NotAfter) || d.Text == "" || d.Fingerprint != providers.Fingerprint(cert) {
				t.Errorf("the details are %+v", d)
			}
			for _, words := range []string{d.Subject, d.Issuer, cert.NotAfter.UTC().Format(time.DateOnly)} {
				if !strings.Contains(e.Message, words) {
					t.Errorf("the message has no %q: %s", words, e.Message)
				}
			}
		})
	}
	bare := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	wantError(t, providers.TransportError(bare, "https://x"), protocol.CertificateUntrusted, "https://x")
}

// below makes an authority whose certificate this one has signed, changed before.
func (a authority) below(change func(*x509.Certificate)) authority {
	between := authority{t: a.t, key: newKey(a.t)}
	c := template("Example Intermediate")
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	change(c)
	between.cert = a.sign(c, between.key)
	return between
}

// with is a chain with the certificate of the authority that issued it.
func with(chain tls.Certificate, issuer authority) tls.Certificate {
	chain.Certificate = append(chain.Certificate, issuer.cert.Raw)
	return chain
}

// What the server sends in between leads to an authority that is trusted.
func TestAChainIsFollowed(t *testing.T) {
	root := newAuthority(t)
	middle := root.below(func(*x509.Certificate) {})
	server := secure(t, &tls.Config{Certificates: []tls.Certificate{with(middle.issue(template("gitlab.test")), middle)}}, hello)
	if err := exchange(t.Context(), client(t, protocol.Network{CAFile: root.file()}), server.URL); err != nil {
		t.Error(err)
	}
}

func TestFingerprint(t *testing.T) {
	got := providers.Fingerprint(&x509.Certificate{Raw: []byte("abc")})
	// FIPS 180-2, appendix B.1.
	const want = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
	if got != want {
		t.Errorf("got %s", got)
	}
}

// Whoever sits between here and the host writes the names in a certificate.
func TestNamesOfACertificateFitIntoAMessage(t *testing.T) {
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "\x1b[31m\u202ered"}, Issuer: pkix.Name{CommonName: strings.Repeat("a", 999)}}
	err := providers.TransportError(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}, UnverifiedCertificates: []*x509.Certificate{leaf}}, "https://gitlab.example.com")
	var e *protocol.Error
	if !errors.As(err, &e) || e.Details == nil || e.Details.Subject != "CN= [31m red" || len(e.Details.Issuer) > 310 || len(e.Message) > 500 || strings.Contains(e.Message, "\x1b") {
		t.Errorf("got %q, %+v", err, e)
	}
}
