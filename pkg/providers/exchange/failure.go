package exchange

import (
	"cmp"
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
func (c *Client) notSent(ctx context.Context, r Request, timeout time.Duration, err error) *providers.Error {
	cause := ended(ctx, err)
	e := &providers.Error{Kind: providers.NotSent, Provider: r.Provider, Op: r.Op, Err: printable(cause)}
	host := r.URL.Host
	_, isDNS := errors.AsType[*net.DNSError](cause)
	open, isOpen := errors.AsType[*openError](cause)
	switch {
	case byCaller(ctx):
		e.Hint = "the run ended before the request was sent"
	case isDNS:
		e.Hint = fmt.Sprintf("no address is known for %s: check base_url", host)
	case isOpen && open.handshake:
		e.Hint = fmt.Sprintf("no secure connection to %s%s", host, explain(open))
	case isOpen:
		e.Hint = fmt.Sprintf("no connection to %s: check base_url; does the provider allow this address?", host)
	case errors.Is(cause, errTimeout) && c.handshakes.last(address(r.URL)).failure == silence:
		e.Hint = fmt.Sprintf("no secure connection to %s%s", host, silent)
	case errors.Is(cause, errTimeout):
		e.Hint = fmt.Sprintf("no connection to %s within %s: does the provider allow this address?", host, timeout)
	default:
		e.Hint = fmt.Sprintf("the connection to %s was lost before the request left", host)
	}
	e.Hint = strings.ReplaceAll(e.Hint, "base_url", cmp.Or(r.Setting, "base_url"))
	return e
}

// unanswered makes the error for a request that left and has no complete answer. reply holds what
// arrived.
func unanswered(ctx context.Context, reply Reply, timeout time.Duration, err error) *providers.Error {
	hint := "the connection failed before the whole answer came"
	switch {
	case byCaller(ctx):
		hint = "the run ended before the whole answer came"
	case ctx.Err() != nil:
		hint = fmt.Sprintf("no complete answer within %s", timeout)
	}
	e := reply.Fail(providers.Unknown, hint)
	e.Err = printable(ended(ctx, err))
	return e
}

// ended is why a call failed: err, or what ended the call earlier.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// byCaller reports whether the caller has ended a call, and not its own timeout.
func byCaller(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTimeout)
}

// printable returns the part of err that is known to show nothing sent or received, or nil.
func printable(err error) error {
	if open, ok := errors.AsType[*openError](err); ok {
		return open
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF, errHead} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}
