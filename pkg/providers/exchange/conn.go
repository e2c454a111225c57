package exchange

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
)

// The states of a conn, regarding its current request.
const (
	untouched int32 = iota // no byte of the request was written
	written                // a byte was, or is being, written
	sealed                 // the caller knows that nothing was written
)

// conn is a connection that knows whether the current request has begun to leave, and repairs the
// head of its answer. It is above TLS, and so does not see handshakes and alerts.
type conn struct {
	net.Conn
	state atomic.Int32
	began atomic.Bool // a request was handed out since the last read: a head comes
	head  head        // of the answer, for the one who reads
	ended error       // why no more comes, for the same one
	extra atomic.Pointer[[]byte]
	asked bool // for a client certificate, in the handshake
}

// begin hands the connection out for a request.
func (c *conn) begin() {
	c.state.Store(untouched)
	c.began.Store(true)
}

// seal reports whether nothing of the request was written, and if so prevents every later write, so
// that its result stays true.
func (c *conn) seal() bool {
	return c != nil && (c.state.CompareAndSwap(untouched, sealed) || c.state.Load() == sealed)
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	for !c.head.complete {
		if c.ended != nil {
			return 0, c.ended
		}
		n, err := c.Conn.Read(p)
		if c.began.CompareAndSwap(true, false) {
			c.head = head{}
		}
		c.head.add(p[:n])
		if err != nil {
			c.ended = err
			c.head.end()
		}
		if extra := c.head.body.extra; len(extra) > 0 {
			c.extra.Store(&extra)
			c.ended = io.EOF // nobody knows where the next answer would begin
		}
	}
	return c.head.read(p), nil
}

// beyond returns what came after the answer's length, if it is not another answer.
func (c *conn) beyond() []byte {
	if c == nil {
		return nil
	}
	extra := c.extra.Load()
	if extra == nil || bytes.HasPrefix(*extra, []byte("HTTP/")) {
		return nil
	}
	return *extra
}

// Write implements net.Conn. A write that fails with nothing written leaves the
// connection untouched. Under TLS, part of a record may have left then, which
// nobody can decrypt.
func (c *conn) Write(p []byte) (int, error) {
	first := c.state.CompareAndSwap(untouched, written)
	if !first && c.state.Load() == sealed {
		return 0, net.ErrClosed
	}
	if first && c.extra.Load() != nil { // it came after the last answer: Read has ended for good
		c.state.CompareAndSwap(written, untouched)
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

// openError is a connection that could not be opened. Its text comes from net and
// crypto/tls and holds nothing of the request.
type openError struct{ err error }

// Error implements error.
func (e *openError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *openError) Unwrap() error { return e.err }
