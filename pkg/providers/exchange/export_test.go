package exchange

import (
	"context"
	"net"
)

// DialWith replaces the network.
func (c *Client) DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.dial = dial
}
