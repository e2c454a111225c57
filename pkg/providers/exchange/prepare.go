package exchange

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
)

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
	at := address(u)
	// A failure here proves nothing about the host: the caller's time is short.
	conn, err := c.shake(ctx, "tcp", at, u.Hostname(), c.handshakes.onlyClassic(at))
	if err != nil {
		return
	}
	secure, ok := conn.Conn.(*tls.Conn)
	if !ok || conn.asked { // a Post on a new connection explains a failure better
		_ = conn.Close()
		return
	}
	c.spares.Keep(at, secure)
}

// spareOrNew returns a connection that Prepare has opened, or a new one.
func (c *Client) spareOrNew(ctx context.Context, network, address string) (net.Conn, error) {
	if secure := c.spares.Take(address); secure != nil {
		return &conn{Conn: secure}, nil
	}
	made, err := c.dialTLS(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return made, nil
}
