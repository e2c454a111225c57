package exchange

import (
	"context"
	"net"
	"time"
)

// DialWith replaces the network.
func (c *Client) DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.dial = dial
}

// ClockOfTLS replaces the clock by which certificates are valid.
func (c *Client) ClockOfTLS(now func() time.Time) { c.tls.Time = now }
