package providers

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// maxName bounds the names in a certificate: a stranger wrote them.
const maxName = 300

// untrusted is the error for a certificate that is not trusted. It names the
// certificate, what is wrong with it, and what to do about just that.
func untrusted(err *tls.CertificateVerificationError, address, whose string) error {
	details := &protocol.ErrorDetails{Text: err.Err.Error()}
	problem := "is not trusted"
	if len(err.UnverifiedCertificates) > 0 {
		leaf := err.UnverifiedCertificates[0]
		until := leaf.NotAfter.UTC()
		details.Subject, details.Issuer = Shorten(leaf.Subject.String(), maxName), Shorten(leaf.Issuer.String(), maxName)
		details.NotAfter = &until
		problem = fmt.Sprintf("(%s, issued by %s, valid until %s) is not trusted", details.Subject, details.Issuer, until.Format(time.DateOnly))
	}
	why, hint := explainCertificate(err)
	if why != "" {
		problem += ": " + why
	}
	return &protocol.Error{
		Code:     protocol.CertificateUntrusted,
		Message:  fmt.Sprintf("the certificate of %s %s", whose, problem),
		Hint:     hint,
		Instance: address,
		Details:  details,
		Err:      err,
	}
}

const trustAuthority = "Put the certificate of your organisation's certificate authority into a PEM file, and set network.caFile to its path."

// explainCertificate says why a certificate is not trusted, and the next step.
func explainCertificate(err *tls.CertificateVerificationError) (why, hint string) {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return "it is valid only from " + invalid.Cert.NotBefore.UTC().Format(time.DateTime) + " UTC", "Check this machine's clock. If it is right, wait until then, or ask the administrator for another certificate."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it has expired", "Ask the administrator to renew the certificate. If it should still be good, check this machine's clock."
	case errors.As(err, &name):
		return "it is for another host", "Use the name that the certificate is made for in the instance's URL, or ask the administrator for a certificate that fits."
	case !errors.As(err, &unknown) || len(err.UnverifiedCertificates) == 0:
		return "", trustAuthority
	}
	chain := err.UnverifiedCertificates
	switch leaf := chain[0]; {
	case string(leaf.RawIssuer) == string(leaf.RawSubject):
		return "the server has signed it itself", "Save the certificate in a PEM file, check with the administrator that it is the right one, and set network.caFile to its path."
	case len(chain) == 1 && len(leaf.IssuingCertificateURL) > 0:
		return "the server sends it without the certificate of its issuer", "Ask the administrator to have the server send the whole chain. Or put the certificates of the issuer and its authority into a PEM file, and set network.caFile to its path."
	}
	return "its authority is not known to this machine", trustAuthority
}
