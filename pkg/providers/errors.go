package providers

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenrefresh/pkg/secret"
)

// Kind is what a failed call means for the refresh token that it presented.
type Kind int

// The kinds, one for each way in which a call ends without tokens. Packages exchange and verdict
// assign them, by the same rules for all providers. Their order has no meaning.
//
// Login returns neither Refused nor MaybeRefused: both are Misconfigured there.
const (
	// Unknown means that the token may be spent: a timeout, a cut answer, 303, 408, 409, 5xx, or a
	// 2xx with neither tokens nor known words. It is the zero value, so that an unclassified error
	// is read with care. Next: a login, else uncertain. Error.Partial may hold an access token.
	Unknown Kind = iota
	// NotSent means that no byte of the request left: DNS, dial, TLS. The token is alive.
	// Next: back-off.
	NotSent
	// Refused means that the provider says in its own words that this token is dead.
	// Next: a login, else dead.
	Refused
	// MaybeRefused means that the answer may be about the token: 401 "Unauthenticated.", 422 with a
	// list of errors. The token counts as alive. Next: a login if there is one, else misconfigured
	// and the back-off. Never dead.
	MaybeRefused
	// Misconfigured means that the provider says in its own words that client, secret or password
	// are wrong, or that Open cannot read the credentials. The token is alive. Next: an edit by a
	// person, or a few tries far apart, because providers lock accounts.
	Misconfigured
	// RateLimited means 429, 425 or the provider's words for it. The token is alive.
	// Next: after Error.RetryAfter.
	RateLimited
	// TurnedAway means any other complete 4xx or 3xx: a gateway, a firewall, a page, a wrong
	// address, an unknown error code. The token is alive by assumption, the only one that the
	// promises need. Next: misconfigured and the back-off; no login.
	TurnedAway
)

// Alive reports whether the refresh token may be presented again. For TurnedAway that
// is an assumption.
func (k Kind) Alive() bool { return k != Unknown && k != Refused }

// String names the kind as logs and messages do.
func (k Kind) String() string {
	names := map[Kind]string{
		Unknown: "unknown", NotSent: "not sent", Refused: "refused", MaybeRefused: "perhaps refused",
		Misconfigured: "misconfigured", RateLimited: "rate limited", TurnedAway: "turned away",
	}
	return cmp.Or(names[k], fmt.Sprintf("kind %d", int(k)))
}

// MaxRaw bounds Error.Raw, in bytes: replies of the known providers have 2 KB.
const MaxRaw = 16 << 10

// Error is how a call to a provider failed. Its text is for operators, and shows nothing that was
// sent or received except the HTTP status.
type Error struct {
	Kind     Kind
	Provider string // "hesabe"
	Op       string // "refresh", "login", "open", "decode"
	Status   int    // HTTP status; 0 without a reply
	// RetryAfter is the wait that a rate limit asked for, between a second and an hour; 0 if it
	// asked for none.
	RetryAfter time.Duration
	// Raw is the answer as text if it may hold the only copy of a rotated token: a 2xx that could
	// not be read, or another answer with a field named like a token. It is never a page, and has
	// at most MaxRaw bytes. Empty otherwise.
	Raw secret.String
	// Partial is the readable part of an answer to a refresh whose new refresh token cannot be read
	// (another type, another name). Kind is Unknown and Raw the answer: the presented token is
	// spent, the next one is in Raw alone. Partial's access token is good and its RefreshToken
	// empty. nil otherwise.
	//
	// The caller promotes and publishes Partial without a refresh token, keeps Raw until
	// a chain with a refresh token is promoted, and never presents the spent one again.
	Partial *Tokens
	// Sent is when the request was sent; zero if none was.
	Sent time.Time
	// Hint says in a few words what happened and what to do about it.
	Hint string
	Err  error // the cause, if it is safe to print; may be nil
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

// KindOf returns the kind of the *Error in err's chain, else Unknown: an unclassified error may
// have spent the token.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Unknown
}
