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

	"tokenrefresh/pkg/spare"
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
	// maxForeseen is the most memory that is made ready for a body because of its announced
	// length.
	maxForeseen = 1 << 20
	// defaultConnections is the most calls that a refresh makes at once to a host.
	defaultConnections = 4
)

// httpClient is the aws.HTTPClient of all services: no redirects, no proxy, no
// HTTP/2, timeouts everywhere.
type httpClient struct {
	transport *http.Transport
	dial      dial
	tls       *tls.Config
	spares    spare.Conns // that Prepare opened
}

// dial opens a connection.
type dial = func(ctx context.Context, network, address string) (net.Conn, error)

func newHTTPClient(roots *x509.CertPool, tuning Tuning) *httpClient {
	connections := cmp.Or(tuning.ConnectionsPerHost, defaultConnections)
	c := &httpClient{
		dial: (&net.Dialer{Timeout: connectTimeout}).DialContext,
		tls: &tls.Config{
			RootCAs: roots, MinVersion: tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(0), // a resumed handshake costs half
		},
	}
	secure := c.spareOrNew
	if tuning.Dial != nil {
		c.dial, secure = tuning.Dial, tuning.Dial
	}
	c.transport = &http.Transport{
		DialContext:           c.dial,
		DialTLSContext:        secure,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       idleTimeout,
		ResponseHeaderTimeout: headerTimeout,
		DisableCompression:    true,
		// Without a limit a call that finds no idle connection opens one, and then uses another
		// that has become free: its handshake was for nothing.
		MaxConnsPerHost: connections,
	}
	return c
}

// spareOrNew returns a connection that Prepare has opened, or a new one.
func (c *httpClient) spareOrNew(ctx context.Context, network, address string) (net.Conn, error) {
	if conn := c.spares.Take(address); conn != nil {
		return conn, nil
	}
	return c.dialTLS(ctx, network, address)
}

func (c *httpClient) dialTLS(ctx context.Context, network, address string) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	raw, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := c.tls.Clone()
	config.ServerName = host
	secure := tls.Client(raw, config)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return secure, nil
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
		// GetBody lets net/http take another connection if nothing was sent yet.
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
	if length <= 0 || length > maxForeseen {
		return io.ReadAll(r)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return body, err
}
