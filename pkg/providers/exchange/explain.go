package exchange

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
)

// Explain names the most probable cause of a failed TLS connection, and the setting that helps; ""
// if the cause is unknown. asked: the server wanted a client certificate.
func Explain(err error, asked bool) string { return explain(&openError{err, true, asked}) }

// remoteError is what crypto/tls names an alert from the other side.
const remoteError = "remote error"

// The alerts that have a known cause (RFC 8446, 6).
const (
	handshakeFailure     = 40
	badCertificate       = 42 // until 46: about the certificate of the client
	unknownCA            = 48
	accessDenied         = 49
	protocolVersion      = 70
	insufficientSecurity = 71
	unrecognizedName     = 112
	certificateRequired  = 116
)

// alert is the text of an alert. crypto/tls does not export the type of alerts, but shows their
// texts.
func alert(code uint8) string { return tls.AlertError(code).Error() }

// explain names the most probable cause of a failed handshake, and the setting that helps; "" if
// the cause is unknown.
func explain(failed *openError) string {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(failed, &certificate):
		return explainCertificate(certificate)
	case errors.Is(failed, context.DeadlineExceeded):
		return silent
	case errors.As(failed, &record), errors.Is(failed, http.ErrSchemeMismatch): // as net/http calls it
		return ": the server speaks no TLS: correct base_url, or a proxy is in between"
	case failed.asked && refusesClient(failed):
		return wantsCertificate
	case errors.As(failed, &op) && op.Op == remoteError:
		if hint, known := map[string]string{
			alert(handshakeFailure): oldCipher, alert(insufficientSecurity): oldCipher, alert(protocolVersion): oldVersion,
			alert(unrecognizedName): ": it does not know this name: correct base_url", alert(certificateRequired): wantsCertificate,
		}[op.Err.Error()]; known {
			return hint
		}
	}
	// crypto/tls has no types for these. If a text changes, only the hint is lost.
	for part, hint := range map[string]string{
		"unsupported protocol version": oldVersion,
		"unconfigured cipher suite":    oldCipher,
		"negative serial number":       ": the provider has to renew its certificate; until then GODEBUG=x509negativeserial=1 helps",
	} {
		if strings.Contains(failed.Error(), part) {
			return hint
		}
	}
	return ""
}

// refusesClient reports whether err is an alert by which a server refuses a client without a
// certificate, or with a wrong one.
func refusesClient(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != remoteError {
		return false
	}
	codes := []uint8{handshakeFailure, unknownCA, accessDenied, certificateRequired, badCertificate, 43, 44, 45, 46}
	return slices.ContainsFunc(codes, func(code uint8) bool { return op.Err.Error() == alert(code) })
}

const (
	wantsCertificate = ": it wants a client certificate, which is not supported"

	silent     = ": it takes connections, but does not finish the TLS handshake in time"
	oldVersion = ": it offers no TLS 1.2 or newer, and older versions are not safe for tokens: the provider has to enable it"
	oldCipher  = ": it takes none of the key exchanges, ciphers and signatures that Go offers; if it knows only " +
		"the RSA key exchange, 3DES or SHA-1, GODEBUG=tlsrsakex=1, tls3des=1 or tlssha1=1 helps until the provider has renewed it"
)

// explainCertificate names what is wrong with a certificate.
func explainCertificate(failed *tls.CertificateVerificationError) string {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(failed, &name):
		return ": its certificate is for another name: correct base_url"
	case errors.As(failed, &invalid) && invalid.Reason == x509.Expired:
		return ": its certificate has ended or is not valid yet: the provider has to renew it, or the clock here is wrong"
	case !errors.As(failed, &authority) || len(failed.UnverifiedCertificates) == 0:
		return ""
	}
	const trust = "put the missing certificate into a file of SSL_CERT_DIR or SSL_CERT_FILE " +
		"(docs/deploy.md#trust-a-providers-certificate)"
	leaf := failed.UnverifiedCertificates[0]
	switch {
	case len(failed.UnverifiedCertificates) == 1 && len(leaf.IssuingCertificateURL) > 0:
		return ": it sends its certificate without the intermediate one: the provider has to send both; until then, " + trust
	case len(failed.UnverifiedCertificates) == 1 && leaf.Issuer.String() != leaf.Subject.String():
		return ": an intermediate certificate is missing, or a private authority has signed: " + trust
	}
	return ": its certificate is signed by an authority that is not trusted here: if that is right, " + trust
}
