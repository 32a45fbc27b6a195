package providers

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// The causes of CertificateUntrusted.
const (
	causeExpired             = "expired"
	causeNotYetValid         = "notYetValid"
	causeWrongName           = "wrongName"
	causeSelfSigned          = "selfSigned"
	causeMissingIntermediate = "missingIntermediate"
	causeUnknownAuthority    = "unknownAuthority"
	causeInvalid             = "invalid"
)

// maxName bounds the names in a certificate: a stranger wrote them.
const maxName = 300

// untrusted says which certificate is not trusted, and why. whose is the host, or
// the proxy before it.
func untrusted(err *tls.CertificateVerificationError, address, whose string) error {
	details := &protocol.ErrorDetails{Text: err.Err.Error()}
	e := &protocol.Error{Code: protocol.CertificateUntrusted, Instance: address, Details: details, Err: err}
	if len(err.UnverifiedCertificates) == 0 {
		details.Cause = causeUnknownAuthority
		e.Message, e.Hint = "the certificate of "+whose+" is not trusted", hintAuthority
		return e
	}
	f := faultOf(err.Err, err.UnverifiedCertificates, time.Now())
	until := f.cert.NotAfter.UTC()
	details.Cause, details.NotAfter, details.Fingerprint = f.cause, &until, Fingerprint(f.cert)
	details.Subject, details.Issuer = Shorten(f.cert.Subject.String(), maxName), Shorten(f.cert.Issuer.String(), maxName)
	e.Hint = f.hint
	e.Message = fmt.Sprintf("the certificate of %s (%s, issued by %s, valid until %s) is not trusted: %s",
		whose, details.Subject, details.Issuer, until.Format(time.DateOnly), f.problem)
	return e
}

// CertificateFault says what is wrong with the certificate of a server that is no GitLab,
// and what to do.
func CertificateFault(err *tls.CertificateVerificationError) (problem, hint string) {
	if len(err.UnverifiedCertificates) == 0 {
		return "nobody here knows the authority", hintAuthority
	}
	f := faultOf(err.Err, err.UnverifiedCertificates, time.Now())
	return f.problem, f.hint
}

const hintAuthority = "Put the certificate of the authority that issued it into a PEM file, and set network.caFile to its path. It is your organisation's, or that of whatever inspects TLS on the way; its administrators have it."

// A fault is what is wrong with which certificate of a chain.
type fault struct {
	cert                 *x509.Certificate
	cause, problem, hint string
}

// faultOf finds the fault of a chain as the server sent it, beginning with its own
// certificate.
func faultOf(err error, chain []*x509.Certificate, now time.Time) fault {
	leaf := chain[0]
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case now.After(leaf.NotAfter):
		return fault{leaf, causeExpired, "it has expired", "Ask the administrator to renew the certificate. If it should still be valid, check this machine's clock."}
	case now.Before(leaf.NotBefore):
		return fault{leaf, causeNotYetValid, "it is not valid before " + leaf.NotBefore.UTC().Format(time.DateTime) + " UTC", "Check this machine's clock. If it is right, ask the administrator about the certificate."}
	case errors.As(err, &name):
		return fault{leaf, causeWrongName, "it is for another host: " + namesOf(leaf), "Use a name that the certificate is made for in the URL, or ask the administrator for a certificate with the name that you use."}
	case errors.As(err, &invalid) && invalid.Reason != x509.Expired:
		return fault{leaf, causeInvalid, "it, or one of those that issued it, must not be used so", "Show this to the administrator: the certificate has to be made anew."}
	}
	for _, cert := range chain[1:] {
		if now.After(cert.NotAfter) {
			return fault{cert, causeExpired, "it stands between the server's certificate and the authority, and has expired", "Ask the administrator to have the server send the renewed certificate of its authority."}
		}
	}
	switch {
	case isSelfSigned(leaf):
		return fault{leaf, causeSelfSigned, "it vouches for itself", "Ask the administrator for the certificate, compare its SHA-256 fingerprint, put it into a PEM file and set network.caFile to its path."}
	case issuerIn(chain) != nil:
		return fault{leaf, causeUnknownAuthority, "nobody here knows the authority", hintAuthority}
	case len(leaf.IssuingCertificateURL) > 0:
		return fault{leaf, causeMissingIntermediate, "the server does not send the certificate of its issuer", "Browsers fetch what is missing, other programs do not: ask the administrator to have the server send the whole chain (in GitLab's nginx: ssl_certificate with the intermediate certificates after its own). If the issuer is a private authority of your organisation, set network.caFile to its certificate."}
	}
	return fault{leaf, causeUnknownAuthority, "nobody here knows the authority", hintAuthority + " If it has that already, the server does not send the certificates in between: ask the administrator for the whole chain."}
}

// issuerIn returns the certificate in a chain that issued the first, or nil.
func issuerIn(chain []*x509.Certificate) *x509.Certificate {
	for _, cert := range chain[1:] {
		if bytes.Equal(cert.RawSubject, chain[0].RawIssuer) {
			return cert
		}
	}
	return nil
}

func isSelfSigned(cert *x509.Certificate) bool {
	return len(cert.Raw) > 0 && bytes.Equal(cert.RawSubject, cert.RawIssuer) &&
		cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}

// namesOf lists the first few names of a certificate.
func namesOf(cert *x509.Certificate) string {
	names := append([]string{}, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "it names none" // the common name no longer counts (RFC 9110 section 4.3.4)
	}
	return Shorten(strings.Join(names, ", "), maxName)
}

// Fingerprint returns the SHA-256 fingerprint of a certificate as openssl and
// browsers show it: bytes in upper-case hexadecimal with colons between.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return strings.ReplaceAll(strings.ToUpper(fmt.Sprintf("% x", sum[:])), " ", ":")
}
