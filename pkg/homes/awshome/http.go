package awshome

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// connectTimeout bounds dialling, and the TLS handshake after it.
	connectTimeout = 3 * time.Second
	// attemptTimeout bounds one attempt of a call as a whole, answer included.
	attemptTimeout = 5 * time.Second
	// headerTimeout is how long a service may take to begin its answer.
	headerTimeout = 4 * time.Second
	// idleTimeout lets a connection live from one tick to the next.
	idleTimeout = 90 * time.Second
	// foreseen is the most memory that is made ready for a body because of its announced
	// length.
	foreseen = 1 << 20
	// defaultConnections is the most calls that a refresh makes at once to a host.
	defaultConnections = 4
)

// httpClient is the aws.HTTPClient of all services: no redirects, no proxy, no
// HTTP/2, timeouts everywhere.
type httpClient struct{ transport *http.Transport }

func newHTTPClient(roots *x509.CertPool, tuning Tuning) *httpClient {
	connections := cmp.Or(tuning.ConnectionsPerHost, defaultConnections)
	return &httpClient{&http.Transport{
		DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig: &tls.Config{
			RootCAs: roots, MinVersion: tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(0), // a resumed handshake costs half
		},
		TLSHandshakeTimeout:   connectTimeout,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       idleTimeout,
		ResponseHeaderTimeout: headerTimeout,
		DisableCompression:    true,
		// Without a limit a call that finds no idle connection begins one, and is then given
		// another's that has become free: handshakes for nothing.
		MaxConnsPerHost: connections,
	}}
}

// Do sends the request with its body in memory and reads the whole answer. The
// SDK closes its own body as soon as the answer begins; net/http then takes the
// request for unfinished and drops a healthy connection.
func (c *httpClient) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), attemptTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	if r.Body != nil && r.GetBody == nil {
		body, err := readAll(r.Body, r.ContentLength)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		// GetBody lets net/http take another connection where nothing was sent yet.
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
	}
	answer, err := c.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := readAll(answer.Body, answer.ContentLength)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// readAll reads to the end. length is what was announced, if it is above 0.
func readAll(r io.Reader, length int64) ([]byte, error) {
	if length <= 0 || length > foreseen {
		return io.ReadAll(r)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return body, err
}
