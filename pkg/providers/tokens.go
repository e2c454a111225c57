// Package providers says what a provider of tokens is: the tokens it hands out,
// the ways a call to it can end, and the two interfaces the engines use. The
// clients are in the sub-packages, the HTTP exchange they share is in exchange.
package providers

import (
	"time"

	"tokenrefresh/pkg/secret"
)

// Tokens is what a provider's reply carried. All times count from before the
// request was sent, on the local clock, so a slow reply never makes a token look
// fresher than it is.
type Tokens struct {
	AccessToken secret.String // never empty
	// RefreshToken is empty where the reply carried none (absent, null, "" or
	// blank); the caller then keeps the one it has. One that is there but cannot be read
	// is another thing: see Error.Partial for a refresh, Raw for a login.
	RefreshToken secret.String
	// Raw is the reply to a login whose refresh token is there but cannot be read: the
	// only copy of it. RefreshToken is empty then. Empty otherwise.
	Raw         secret.String
	ClientToken secret.String // Berbix only
	TokenType   string        // "Bearer" unless the reply said otherwise
	IssuedAt    time.Time     // just before the request was sent
	// AccessExpiresAt is never after the earlier of expires_in and, where the
	// access token is a JWT with a later issue time, its exp. Equal to IssuedAt
	// where the reply's lifetime was unusable.
	AccessExpiresAt  time.Time
	RefreshExpiresAt time.Time // zero: unknown
	TransactionID    int64     // Berbix only; 0: absent
	// Reply is what readers get beside the access token: a JSON object of those fields of the
	// reply that the credentials name, null where the reply has none. Empty: none are named.
	Reply secret.String
	// ServerDate is the reply's Date header; zero where absent or unreadable.
	ServerDate time.Time
	// Warnings are for people: what was odd about the reply and what was made of
	// it. They never contain a value of the reply.
	Warnings []string
}
