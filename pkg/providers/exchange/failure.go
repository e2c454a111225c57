package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"tokenrefresh/pkg/providers"
)

// notSent makes the error for a request that did not leave.
func (c *Client) notSent(r Request, cause error) *providers.Error {
	e := &providers.Error{Kind: providers.NotSent, Provider: r.Provider, Op: r.Op, Err: printable(cause)}
	host := r.URL.Host
	var dns *net.DNSError
	var handshake *handshakeError
	var open *openError
	var run runEndedError
	switch {
	case errors.As(cause, &run):
		e.Hint = "the run ended before the request was sent"
	case errors.As(cause, &dns):
		e.Hint = fmt.Sprintf("no address is known for %s: check base_url", host)
	case errors.As(cause, &handshake):
		e.Hint = fmt.Sprintf("no secure connection to %s%s", host, explain(handshake))
	case errors.As(cause, &open):
		e.Hint = fmt.Sprintf("no connection to %s: check base_url; does the provider allow this address?", host)
	case errors.Is(cause, context.DeadlineExceeded) && c.handshakes.silent(address(r.URL)):
		e.Hint = fmt.Sprintf("no secure connection to %s%s", host, silent)
	case errors.Is(cause, context.DeadlineExceeded):
		e.Hint = fmt.Sprintf("no connection to %s within %s: does the provider allow this address?", host, r.Timeout)
	default:
		e.Hint = fmt.Sprintf("the connection to %s was lost before the request left", host)
	}
	if r.Setting != "" {
		e.Hint = strings.ReplaceAll(e.Hint, "base_url", r.Setting)
	}
	return e
}

// unanswered makes the error for a request that left and has no complete answer. reply holds what
// arrived.
func unanswered(reply Reply, timeout time.Duration, cause error) *providers.Error {
	var hint string
	var run runEndedError
	switch {
	case errors.As(cause, &run):
		hint = "the run ended before the whole answer came"
	case errors.Is(cause, context.DeadlineExceeded):
		hint = fmt.Sprintf("no complete answer within %s", timeout)
	default:
		hint = "the connection failed before the whole answer came"
	}
	e := reply.Fail(providers.Unknown, hint)
	e.Err = printable(cause)
	return e
}

// printable returns the part of err that is known to show nothing sent or received, or nil:
// net/http quotes replies that it cannot parse.
func printable(err error) error {
	var open *openError
	var op *net.OpError
	switch {
	case errors.As(err, &open):
		return open
	case errors.As(err, &op):
		return op
	}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}
