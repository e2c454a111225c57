package exchange

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
)

// The states of a conn, as to the request that it was handed out for.
const (
	untouched int32 = iota // no byte of the request was written
	written                // a byte was, or is being, written
	sealed                 // the caller was told that nothing was written
)

// conn is a connection that knows whether the current request has begun to leave.
// It lies above TLS, where handshakes and alerts are not seen.
type conn struct {
	net.Conn
	state atomic.Int32
}

// begin hands the connection out for a request.
func (c *conn) begin() { c.state.Store(untouched) }

// seal reports whether nothing of the request was written, and if so sees to it
// that nothing ever is: a write that comes late cannot make a lie of the answer.
func (c *conn) seal() bool {
	return c != nil && c.state.CompareAndSwap(untouched, sealed)
}

// Write implements net.Conn. A write that fails with nothing written leaves the
// connection untouched. Under TLS, part of a record may have left then, which
// nobody can decrypt.
func (c *conn) Write(p []byte) (int, error) {
	first := c.state.CompareAndSwap(untouched, written)
	if !first && c.state.Load() == sealed {
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Write(p)
	if first && n == 0 {
		c.state.CompareAndSwap(written, untouched)
	}
	return n, err
}

// dialPlain connects to a loopback server without TLS.
func (c *Client) dialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, &openError{err}
	}
	return &conn{Conn: raw}, nil
}

// dialTLS connects and shakes hands here and not in net/http, so that the conn lies
// above TLS.
func (c *Client) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &openError{err}
	}
	raw, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, &openError{err}
	}
	config := c.tls.Clone()
	config.ServerName = host
	secure := tls.Client(raw, config)
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, &openError{&handshakeError{err}}
	}
	return &conn{Conn: secure}, nil
}

// openError is a connection that could not be opened. Its text comes from net and
// crypto/tls and holds nothing of the request.
type openError struct{ err error }

// Error implements error.
func (e *openError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *openError) Unwrap() error { return e.err }

// handshakeError is a TLS handshake that failed.
type handshakeError struct{ err error }

// Error implements error.
func (e *handshakeError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *handshakeError) Unwrap() error { return e.err }
