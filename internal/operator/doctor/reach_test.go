package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/operator/doctor"
)

// The doctor explains a failed handshake as a refresh does.
func TestReachOverTLS(t *testing.T) {
	t.Parallel()
	key, certificate := leaf(t)
	shows := tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
	for name, tc := range map[string]struct {
		config *tls.Config // nil: no TLS
		says   string
	}{
		"no intermediate certificate": {&tls.Config{Certificates: []tls.Certificate{shows}}, "without the intermediate one"},
		"TLS 1.1":                     {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "no TLS 1.2 or newer"},
		"RSA key exchange": {&tls.Config{
			MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256},
		}, "GODEBUG=tlsrsakex=1"},
		"signed by itself": {&tls.Config{}, "SSL_CERT_FILE"},
		"no TLS":           {nil, "speaks no TLS: correct token_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = tc.config
			if tc.config == nil {
				server.Start()
			} else {
				server.StartTLS()
			}
			t.Cleanup(server.Close)
			_, host, _ := strings.Cut(server.URL, "://")
			found := doctor.ReachOne(t.Context(), "https://"+host, "token_url", "seed")
			if len(found) != 1 || found[0].Verdict != doctor.Fail || !strings.Contains(found[0].Cause, tc.says) {
				t.Errorf("%+v, want %q", found, tc.says)
			}
		})
	}
}

// leaf is a certificate that names the address of its issuer's.
func leaf(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NilError(t, err)
	issuer := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "intermediate"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	own := *issuer
	own.Subject, own.IsCA = pkix.Name{CommonName: "provider"}, false
	own.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	own.IssuingCertificateURL = []string{"http://ca.example/intermediate.cer"}
	der, err := x509.CreateCertificate(rand.Reader, &own, issuer, &key.PublicKey, key)
	assert.NilError(t, err)
	return key, der
}
