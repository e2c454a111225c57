package exchange

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// lastRead is how long an answer is still read after the timeout. A process that was frozen wakes
// up with expired timers and the answer in its socket.
const lastRead = 250 * time.Millisecond

// runEndedError is the end of a call by its caller, not by its own timeout.
type runEndedError struct{ error }

// Unwrap gives the cause.
func (e runEndedError) Unwrap() error { return e.error }

// usage is the connection of one call.
type usage struct {
	mu   sync.Mutex
	conn *conn // nil: none yet
	over bool  // the time is up: nothing may leave any more
}

// got notes the connection of the call.
func (u *usage) got(c *conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conn = c
	if c == nil {
		return
	}
	c.begin()
	if u.over {
		c.seal()
	}
}

// untouched reports whether nothing of the request was written, and if so prevents every later
// write.
func (u *usage) untouched() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	return u.conn == nil || u.conn.seal()
}

// refused makes an error of err if the server refused this client in the handshake. With TLS 1.3
// the refusal arrives after the request has left, but the server has not read it.
func (u *usage) refused(err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conn == nil || !u.conn.asked || !refusesClient(err) {
		return nil
	}
	return &openError{&handshakeError{err, true}}
}

// beyond returns what came after the answer's length.
func (u *usage) beyond() []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.conn.beyond()
}

// begin starts the time of a call, which ends with ctx or after timeout: at once if nothing was
// written, else lastRead later.
func begin(ctx context.Context, timeout time.Duration) (call context.Context, used *usage, done func()) {
	used = &usage{}
	call, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	end := func(cause error) {
		if used.untouched() {
			cancel(cause)
			return
		}
		time.AfterFunc(lastRead, func() { cancel(cause) })
	}
	timer := time.AfterFunc(timeout, func() { end(context.DeadlineExceeded) })
	stop := func() bool { return true }
	if ctx.Err() != nil {
		end(runEndedError{ctx.Err()})
	} else {
		stop = context.AfterFunc(ctx, func() { end(runEndedError{ctx.Err()}) })
	}
	call = httptrace.WithClientTrace(call, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			got, _ := info.Conn.(*conn)
			used.got(got)
		},
	})
	return call, used, func() {
		timer.Stop()
		stop()
		cancel(context.Canceled)
	}
}

// ended is why a call failed: err, or what ended the call earlier.
func ended(call context.Context, err error) error {
	if call.Err() != nil {
		return context.Cause(call)
	}
	return err
}
