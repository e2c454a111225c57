package providers

import (
	"context"
	"math"
	"time"

	"tokenrefresh/pkg/secret"
)

// Always is the Reuse of a session whose provider accepts a refresh token again at any time.
const Always time.Duration = math.MaxInt64

// Reusing is a Session whose provider may accept a presented refresh token again.
type Reusing interface {
	Session
	// Reuse is how long after its first presentation a refresh token is still accepted; 0: it is
	// accepted once.
	Reuse() time.Duration
}

// Again is what the credentials of a session say of refresh tokens that were presented.
type Again struct {
	Reuse      time.Duration // see Reusing
	Asks       bool          // see Asking
	LastResort bool          // see LastResort
}

// AgainOf is that of s, which may be nil.
func AgainOf(s Session) Again {
	var a Again
	if s, ok := s.(Reusing); ok {
		a.Reuse = s.Reuse()
	}
	if s, ok := s.(Asking); ok {
		a.Asks = s.CanAsk() && !s.CanLogin()
	}
	if s, ok := s.(LastResort); ok {
		a.LastResort = s.LastResort() && !s.CanLogin()
	}
	return a
}

// Evidence is what is known of a refresh whose answer was lost.
type Evidence int

// The kinds of evidence.
const (
	NoEvidence Evidence = iota // nobody could be asked, or the answer is neither
	NotActed                   // the provider has not acted: the refresh token is alive
	Acted                      // it has acted: the refresh token is spent
)

// String names the evidence as logs and messages do.
func (e Evidence) String() string {
	switch e {
	case NotActed:
		return "not acted"
	case Acted:
		return "acted"
	case NoEvidence:
	}
	return "no evidence"
}

// Asking is a Session that can find out what became of a refresh, without presenting its token. It
// is asked only when the request can no longer be running, and only if no login could replace the
// token.
type Asking interface {
	Session
	// CanAsk reports whether Ask can bring evidence.
	CanAsk() bool
	// Ask asks whether the provider has acted on refreshToken. accessToken is the one that was
	// current before; empty: it has ended, and proves nothing. An error is why there is no
	// evidence.
	Ask(ctx context.Context, refreshToken, accessToken secret.String) (Evidence, error)
}

// LastResort is a Session that may present an uncertain refresh token once more when that can lose
// nothing: there is no login, and the access token has ended.
type LastResort interface {
	Session
	// LastResort reports whether the credentials ask for that.
	LastResort() bool
}
