package reader

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Source is where a token is published.
type Source interface {
	// Read returns what is published now. Its errors are those of this package, or
	// passing. They hold no secret, and need not name the source.
	Read(ctx context.Context) (Token, error)
	// String names the source in errors: "secret token-refresh/hesabe/default/access".
	String() string
}

// Errors of sources. Any other error may pass by itself.
var (
	// ErrNotPublished: there is no token yet, because there was no refresh or login yet.
	ErrNotPublished = errors.New("no access token is published yet: " +
		"the refresh function publishes the first one when it has credentials that work; its log says what it waits for")
	// ErrNotFound: there is no such secret, table, transaction or file.
	ErrNotFound = errors.New("it does not exist")
	// ErrDenied: a permission or a key is missing.
	ErrDenied = errors.New("access is denied")
	// ErrMalformed: the stored value is not what the refresh function writes.
	ErrMalformed = errors.New("it does not hold an access token as the refresh function writes it")
)

// ErrUnchanged is Renew's error if the refused token is still the published one.
var ErrUnchanged = errors.New("the token that was refused is still the published one")

// EndedError is the error of a Berbix transaction that has ended. It gets no further token, and one
// that was read before is no longer handed out.
type EndedError struct {
	Status string // completed, deleted or dead
}

// Error implements error.
func (e *EndedError) Error() string {
	if e.Status == "dead" {
		return "the transaction is dead: Berbix refuses its refresh token, and only a new transaction gets another"
	}
	return fmt.Sprintf("the transaction has ended (%s): it is no longer refreshed", e.Status)
}

// ExpiredError is the error of a token with less life left than was asked for, if no newer one is
// published.
type ExpiredError struct {
	ExpiresAt time.Time
	RefreshAt time.Time     // when a newer one was or is due; zero: not known
	Left      time.Duration // negative: it has ended
	MinLife   time.Duration // what was asked for
}

// Error implements error.
func (e *ExpiredError) Error() string {
	var b strings.Builder
	if e.Left <= 0 {
		fmt.Fprintf(&b, "the access token has expired at %s", stamp(e.ExpiresAt))
	} else {
		fmt.Fprintf(&b, "the access token has %s left, until %s, and %s were asked for",
			e.Left.Round(time.Millisecond), stamp(e.ExpiresAt), e.MinLife)
	}
	if now := e.ExpiresAt.Add(-e.Left); e.RefreshAt.After(now) {
		fmt.Fprintf(&b, "; the next one is not due before %s: ask for less", stamp(e.RefreshAt))
	} else {
		b.WriteString(": its refresh is late; the alarms and the last log lines of the refresh function say why")
	}
	return b.String()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
