package authority_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/authority"
)

func TestClientsThatTrustItReachItsServers(t *testing.T) {
	t.Parallel()
	a, err := authority.New()
	assert.NilError(t, err)
	certificate, err := a.Issue("host.docker.internal", "192.0.2.1")
	assert.NilError(t, err)
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	assert.NilError(t, err)
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "host.docker.internal": true, "192.0.2.1": true,
		"example.com": false, "192.0.2.2": false,
	} {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: host})
		assert.Check(t, (err == nil) == want, "%s: %v", host, err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12},
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	assert.NilError(t, err)
	answer, err := client.Do(request)
	assert.NilError(t, err)
	_ = answer.Body.Close()
}

func TestAFolderKeepsOneAuthority(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	first, err := authority.Open(dir)
	assert.NilError(t, err)
	again, err := authority.Open(dir)
	assert.Assert(t, err == nil && bytes.Equal(first.PEM(), again.PEM()), "another authority, or %v", err)
	onDisk, err := os.ReadFile(authority.Path(dir))
	assert.Check(t, err == nil && bytes.Equal(onDisk, first.PEM()), "the file differs, or %v", err)
	entries, err := os.ReadDir(dir)
	assert.NilError(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		assert.NilError(t, err)
		if strings.Contains(entry.Name(), "key") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", entry.Name(), info.Mode())
		}
	}
	assert.NilError(t, os.WriteFile(authority.Path(dir), []byte("no certificate"), 0o600))
	_, err = authority.Open(dir)
	assert.Check(t, err != nil && strings.Contains(err.Error(), "delete ca.pem"), "a damaged one: %v", err)
}
