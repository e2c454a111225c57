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
	// defaultConnections is the most calls that a refresh makes at once to a host.
	defaultConnections = 4
)

// httpClient is the aws.HTTPClient of all services: no redirects, no proxy, no
// HTTP/2, timeouts everywhere.
type httpClient struct{ transport *http.Transport }

func newHTTPClient(roots *x509.CertPool, tuning Tuning) *httpClient {
	return &httpClient{&http.Transport{
		DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig: &tls.Config{
			RootCAs: roots, MinVersion: tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(0), // a resumed handshake costs half
		},
		TLSHandshakeTimeout:   connectTimeout,
		MaxIdleConnsPerHost:   cmp.Or(tuning.ConnectionsPerHost, defaultConnections),
		IdleConnTimeout:       idleTimeout,
		ResponseHeaderTimeout: headerTimeout,
		DisableCompression:    true,
	}}
}

// Do sends the request with its body in memory and reads the whole answer. The
// SDK closes its own body as soon as the answer begins; net/http then takes the
// request for unfinished and drops a healthy connection.
func (c *httpClient) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), attemptTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
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
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}
