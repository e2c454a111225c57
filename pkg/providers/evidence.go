package providers

import (
	"context"
	"math"
	"time"

	"tokenrefresh/pkg/secret"
)

// Always is the Reuse of a session whose provider accepts a refresh token again at any time.
const Always time.Duration = math.MaxInt64

// Again is what the credentials of a session say of refresh tokens that were presented.
type Again struct {
	// Reuse is how long after its first presentation a refresh token is still accepted; 0: it is
	// accepted once.
	Reuse time.Duration
	// Asks: Ask can bring evidence.
	Asks bool
	// LastResort: an uncertain refresh token may be presented once more when that can lose nothing,
	// because there is no login and the access token has ended.
	LastResort bool
}

// Reusing is a Session whose provider may accept a presented refresh token again, or can be asked
// what became of it.
type Reusing interface {
	Session
	// Again is what the credentials say.
	Again() Again
	// Ask asks whether the provider has acted on refreshToken, without presenting it. It is called
	// only when the request can no longer be running, and only if no login could replace the token.
	// accessToken is the one that was current before; empty: it has ended, and proves nothing. An
	// error is why there is no evidence.
	Ask(ctx context.Context, refreshToken, accessToken secret.String) (Evidence, error)
}

// AgainOf is that of s, which may be nil. With a login, nobody asks and nothing is a last resort.
func AgainOf(s Session) Again {
	reusing, ok := s.(Reusing)
	if !ok {
		return Again{}
	}
	a := reusing.Again()
	if s.CanLogin() {
		a.Asks, a.LastResort = false, false
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
	return map[Evidence]string{NoEvidence: "no evidence", NotActed: "not acted", Acted: "acted"}[e]
}
