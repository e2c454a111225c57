package providers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenrefresh/pkg/secret"
)

// Kind says what a failed call means for the refresh token that it presented.
type Kind int

// The kinds. Their order carries no meaning.
const (
	// Unknown: the request, or part of it, left and no reply says what became of
	// it: timeout, reset, 408, 5xx, a truncated body, HTML, a 2xx that cannot be
	// read. The token may be spent. It is the zero value, the careful reading of an
	// error that nobody classified.
	Unknown Kind = iota
	// NotSent: no byte of the request left (DNS, dial, TLS handshake). The token
	// is as good as before.
	NotSent
	// Refused: the provider says that this token is dead.
	Refused
	// Misconfigured: a person must change something first: redirect, wrong URL,
	// wrong API secret, refused login. The token was not acted on.
	Misconfigured
	// RateLimited: 429 or 425; the token was not acted on. See Error.RetryAfter.
	RateLimited
)

// String names the kind as logs and messages do.
func (k Kind) String() string {
	switch k {
	case NotSent:
		return "not sent"
	case Refused:
		return "refused"
	case Misconfigured:
		return "misconfigured"
	case RateLimited:
		return "rate limited"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("kind %d", int(k))
}

// Error is how a call to a provider failed. Its text is made for operators and
// contains nothing of what was sent or received but the HTTP status.
type Error struct {
	Kind     Kind
	Provider string // "hesabe"
	Op       string // "refresh", "login", "open", "decode"
	Status   int    // HTTP status; 0 without a reply
	// RetryAfter is the wait a rate limit asked for, at least a second; 0 where it
	// asked for none. The caller clamps it from above.
	RetryAfter time.Duration
	// Raw is the body of a 2xx that could not be read: it may hold the only copy
	// of a rotated token. Empty otherwise.
	Raw secret.String
	// Sent is when the request was sent; zero where none was.
	Sent time.Time
	// Hint says in a few words what happened and what to do about it.
	Hint string
	Err  error // the cause, where it is safe to print; may be nil
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", e.Provider, e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Hint != "" {
		b.WriteString(": " + e.Hint)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the *Error in err's chain, and Unknown where there is
// none: an error that nobody classified may have spent the token.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Unknown
}
