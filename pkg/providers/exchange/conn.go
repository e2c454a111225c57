package exchange

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"time"
)

const (
	// lastRead is how long an answer is still read after the timeout. A process that was frozen
	// wakes up with expired timers and the answer in its socket.
	lastRead = 250 * time.Millisecond
	// readSize takes most answers at once, and so what comes beyond their length.
	readSize = 16 << 10
)

// errTimeout is why a call has ended by its own timeout, and not by its caller.
var errTimeout = fmt.Errorf("its time is over: %w", context.DeadlineExceeded)

// conn is an open connection.
type conn struct {
	net.Conn
	asked bool // for a client certificate, in the handshake
}

// openError is a connection that could not be opened. Its text comes from net and crypto/tls and
// holds nothing of the request.
type openError struct {
	error
	handshake bool // the TLS handshake failed
	asked     bool // in it, for a client certificate
}

// Unwrap gives the cause.
func (e *openError) Unwrap() error { return e.error }

// open returns a connection to u's host that waits for a call, or a new one. Its error is an
// *openError.
func (c *Client) open(ctx context.Context, u *url.URL) (*conn, error) {
	if kept := c.idle.Take(idleKey(u)); kept != nil {
		return &conn{Conn: kept}, nil
	}
	if u.Scheme == "https" && !c.plain {
		return c.dialTLS(ctx, u)
	}
	raw, err := c.dial(ctx, "tcp", address(u))
	if err != nil {
		return nil, &openError{error: err}
	}
	return &conn{Conn: raw}, nil
}

// Prepare opens a connection to u's host before there is a request for it. It returns when the
// connection is open, when it has failed or when ctx ends. It sends nothing except the TLS
// handshake. A failure is left to the next Post, which opens a connection of its own. An address
// without TLS is left alone.
//
// The connection is for a Post that begins within spare.MaxIdle, and is closed after that.
func (c *Client) Prepare(ctx context.Context, u *url.URL) {
	if u.Scheme != "https" {
		return
	}
	// A failure here proves nothing about the host: the caller's time is short.
	made, err := c.shake(ctx, u, c.handshakes.last(address(u)).classic)
	if err != nil {
		return
	}
	if made.asked { // a Post on a new connection explains a failure better
		_ = made.Close()
		return
	}
	c.idle.Keep(idleKey(u), made.Conn)
}

// exchange writes request and reads its answer. Nothing is written when ctx has ended; an answer is
// read for lastRead more. sent is false if no byte of the request left. Under TLS, part of a record
// may have left then, which nobody can decrypt.
func (c *conn) exchange(ctx context.Context, request []byte) (got answer, sent bool, err error) {
	if ctx.Err() != nil {
		return answer{}, false, ctx.Err()
	}
	deadline, _ := ctx.Deadline()
	if err := c.SetWriteDeadline(deadline); err != nil {
		return answer{}, false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now().Add(lastRead)) })
	if n, err := c.Write(request); err != nil {
		return answer{}, n > 0, err
	}
	got, err = readAnswer(bufio.NewReaderSize(c, readSize))
	got.reusable = stop() && got.reusable && c.SetWriteDeadline(time.Time{}) == nil
	return got, true, err
}

// idleKey is where connections to u's host wait.
func idleKey(u *url.URL) string { return u.Scheme + "://" + address(u) }

// address is u's host and port, for dialling.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
