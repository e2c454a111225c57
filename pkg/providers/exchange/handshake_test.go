package exchange_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/providers/exchange"
)

// authority signs certificates, directly or by another one.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

var serial atomic.Int64

// issue makes a certificate, signed by a, or by itself if a is nil.
func (a *authority) issue(tb testing.TB, change func(*x509.Certificate)) *authority {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NilError(tb, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), Subject: pkix.Name{CommonName: "test", SerialNumber: serialName()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"provider.example"}, BasicConstraintsValid: true,
	}
	change(template)
	parent, signer := template, key
	if a != nil {
		parent, signer = a.certificate, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	assert.NilError(tb, err)
	certificate, err := x509.ParseCertificate(der)
	assert.NilError(tb, err)
	return &authority{certificate, key}
}

func serialName() string { return big.NewInt(serial.Add(1)).String() }

func isCA(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }

func isLeaf(*x509.Certificate) {}

// chain is what a server shows.
func chain(all ...*authority) tls.Certificate {
	shown := tls.Certificate{PrivateKey: all[0].key}
	for _, one := range all {
		shown.Certificate = append(shown.Certificate, one.certificate.Raw)
	}
	return shown
}

// shaking makes a client whose connections to provider.example end in a TLS server with config.
// first, if set, may take a connection before, with the ClientHello on it.
func shaking(tb testing.TB, roots *x509.CertPool, config *tls.Config, first func(greeting []byte, c net.Conn) bool) *exchange.Client {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(tb, err)
	tb.Cleanup(func() { _ = listener.Close() })
	serve := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		greeting, err := readRecord(c)
		if err != nil || first != nil && first(greeting, c) {
			return
		}
		server := tls.Server(&replayed{Conn: c, before: bytes.NewReader(greeting)}, config)
		requests := bufio.NewReader(server)
		for readRequest(requests) == nil {
			_, _ = io.WriteString(server, okAnswer)
		}
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	client := exchange.New(exchange.Options{RootCAs: roots})
	client.DialWith(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
	})
	return client
}

// readRecord reads one TLS record.
func readRecord(r io.Reader) ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	rest := make([]byte, binary.BigEndian.Uint16(head[3:]))
	_, err := io.ReadFull(r, rest)
	return slices.Concat(head, rest), err
}

// replayed returns again what was read from a connection before.
type replayed struct {
	net.Conn
	before *bytes.Reader
}

func (r *replayed) Read(p []byte) (int, error) {
	if r.before.Len() > 0 {
		return r.before.Read(p)
	}
	return r.Conn.Read(p)
}

// alert is a fatal one.
func alert(code byte) []byte { return []byte{21, 3, 3, 0, 2, 2, code} }

// large does not fit into one packet; a ClientHello without the post-quantum key share does.
const large = 1000

// A middlebox that cannot handle a ClientHello with a post-quantum key share.
func TestHandshakeWithoutThePostQuantumKeyShare(t *testing.T) {
	t.Parallel()
	ca := (*authority)(nil).issue(t, isCA)
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	config := &tls.Config{Certificates: []tls.Certificate{chain(ca.issue(t, isLeaf))}}
	for name, refuse := range map[string]func(c net.Conn){
		"it closes":          func(net.Conn) {},
		"it sends an alert":  func(c net.Conn) { _, _ = c.Write(alert(40)) },
		"it decodes nothing": func(c net.Conn) { _, _ = c.Write(alert(50)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var all []int
			seen := func() []int {
				mu.Lock()
				defer mu.Unlock()
				return slices.Clone(all)
			}
			client := shaking(t, roots, config, func(greeting []byte, c net.Conn) bool {
				mu.Lock()
				all = append(all, len(greeting))
				mu.Unlock()
				if len(greeting) > large {
					refuse(c)
				}
				return len(greeting) > large
			})
			for try := range 2 {
				_, err := client.Post(t.Context(), request(t, "https://provider.example"))
				wantError(t, err, providers.NotSent, "no secure connection to provider.example")
				n := len(seen())
				assert.Assert(t, n == try+1, "%d greetings after %d calls", n, try+1)
			}
			for range 2 { // the third, which tries the other way, and one more
				reply, err := client.Post(t.Context(), request(t, "https://provider.example"))
				assert.Assert(t, err == nil && strings.Contains(strings.Join(reply.Odd, ""), "X25519MLKEM768"),
					"reply %+v, %v", reply, err)
			}
			sizes := seen()
			assert.Check(t, len(sizes) >= 4 && sizes[2] > large && sizes[3] <= large, "greetings of %v bytes", sizes)
			for _, size := range sizes[3:] {
				assert.Check(t, size <= large, "greetings of %v bytes: what helped is not remembered", sizes)
			}
		})
	}
}

// Only failures of one kind that another ClientHello could cure are tried once more, after three; if
// that doesn't help either, the next three are as before.
func TestHandshakeThatNothingHelps(t *testing.T) {
	t.Parallel()
	own := (*authority)(nil).issue(t, isLeaf)
	for name, tc := range map[string]struct {
		first func(n int32, c net.Conn) bool
		hint  string
		want  int32 // greetings for 6 calls
	}{
		"an alert": {func(_ int32, c net.Conn) bool { _, _ = c.Write(alert(40)); return true }, "GODEBUG=tlsrsakex=1", 8},
		"failures of different kinds": {func(n int32, c net.Conn) bool {
			if n%2 == 0 {
				_, _ = c.Write(alert(40))
			}
			return true
		}, "", 6},
		"a wrong certificate": {func(int32, net.Conn) bool { return false }, "SSL_CERT_DIR", 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var greetings atomic.Int32
			config := &tls.Config{Certificates: []tls.Certificate{chain(own)}}
			client := shaking(t, x509.NewCertPool(), config, func(_ []byte, c net.Conn) bool { return tc.first(greetings.Add(1), c) })
			for range 6 {
				_, err := client.Post(t.Context(), request(t, "https://provider.example"))
				wantError(t, err, providers.NotSent, tc.hint)
				var untrusted x509.UnknownAuthorityError
				assert.Check(t, errors.As(err, &untrusted) == (tc.hint == "SSL_CERT_DIR"), "the cause: %v", err)
			}
			assert.Equal(t, greetings.Load(), tc.want)
		})
	}
}

// A host that is down gets no further calls for this.
func TestConnectionsThatNobodyTakes(t *testing.T) {
	t.Parallel()
	dials := 0
	client := exchange.New(exchange.Options{})
	client.DialWith(func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	})
	for range 4 {
		_, err := client.Post(t.Context(), request(t, "https://provider.example"))
		wantError(t, err, providers.NotSent, "no connection")
	}
	assert.Equal(t, dials, 4)
}

// The message names the cause and the setting.
func TestWhatIsWrongWithAHandshake(t *testing.T) {
	t.Parallel()
	ca := (*authority)(nil).issue(t, isCA)
	intermediate := ca.issue(t, isCA)
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	fromShop := func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.example/intermediate.cer"} }
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	otherName := func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }
	own := (*authority)(nil).issue(t, isLeaf)
	strange := (*authority)(nil).issue(t, isCA)
	shows := func(all ...*authority) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{chain(all...)}}
	}
	wants := func(version uint16) *tls.Config {
		config := shows(ca.issue(t, isLeaf))
		config.MinVersion, config.MaxVersion, config.ClientAuth = version, version, tls.RequireAnyClientCert
		return config
	}
	says := func(code byte) func([]byte, net.Conn) bool {
		return func(_ []byte, c net.Conn) bool {
			_, _ = c.Write(alert(code))
			return true
		}
	}
	cases := map[string]struct {
		config *tls.Config
		first  func([]byte, net.Conn) bool
		hint   string
	}{
		"no intermediate certificate":             {shows(intermediate.issue(t, fromShop)), nil, "without the intermediate one"},
		"none, and nobody says where it would be": {shows(intermediate.issue(t, isLeaf)), nil, "an intermediate certificate is missing, or a private authority"},
		"a private authority":                     {shows(strange.issue(t, isLeaf), strange), nil, "authority that is not trusted here"},
		"signed by itself":                        {shows(own), nil, "SSL_CERT_DIR"},
		"expired":                                 {shows(ca.issue(t, expired)), nil, "has ended"},
		"another name":                            {shows(ca.issue(t, otherName)), nil, "for another name: correct base_url"},
		"TLS 1.1, by its answer":                  {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, Certificates: shows(ca.issue(t, isLeaf)).Certificates}, nil, "no TLS 1.2"},
		"TLS 1.1, by its alert":                   {nil, says(70), "no TLS 1.2"},
		"RSA key exchange":                        {nil, says(40), "GODEBUG=tlsrsakex=1"},
		"only what is not safe":                   {nil, says(71), "GODEBUG=tlsrsakex=1"},
		"a name that it does not know":            {nil, says(112), "does not know this name"},
		"a client certificate":                    {nil, says(116), "client certificate"},
		"a client certificate, TLS 1.2":           {wants(tls.VersionTLS12), nil, "client certificate"},
		"a client certificate, TLS 1.3":           {wants(tls.VersionTLS13), nil, "client certificate"},
		"an alert that says nothing":              {nil, says(80), "internal error"},
		"no TLS": {nil, func(_ []byte, c net.Conn) bool {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			return true
		}, "speaks no TLS"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := shaking(t, roots, tc.config, tc.first)
			_, err := client.Post(t.Context(), request(t, "https://provider.example"))
			wantError(t, err, providers.NotSent, tc.hint)
		})
	}
}
