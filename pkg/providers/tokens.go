// Package providers defines what a provider of tokens is: the tokens that it hands out, how a call
// to it can end, and the interfaces that the engines use. The clients are in the sub-packages, and
// the HTTP exchange that they share is in exchange.
package providers

import (
	"time"

	"tokenrefresh/pkg/secret"
)

// Tokens are the tokens of a provider's reply. All times count from before the request was sent, on
// the local clock, so a slow reply never makes a token look fresher than it is.
type Tokens struct {
	AccessToken secret.String // never empty
	// RefreshToken is empty if the reply had none (absent, null, "" or blank); the caller then
	// keeps the one it has. For one that cannot be read, see Error.Partial (a refresh) and Raw (a
	// login).
	RefreshToken secret.String
	// Raw is the reply to a login with a refresh token that cannot be read: its only copy.
	// RefreshToken is empty then. Empty otherwise.
	Raw         secret.String
	ClientToken secret.String // Berbix only
	TokenType   string        // "Bearer" unless the reply said otherwise
	IssuedAt    time.Time     // just before the request was sent
	// AccessExpiresAt is never after the earlier of expires_in and, if the access token is a JWT
	// with a later issue time, its exp. It equals IssuedAt if the reply's lifetime was unusable.
	AccessExpiresAt  time.Time
	RefreshExpiresAt time.Time // zero: unknown
	TransactionID    int64     // Berbix only; 0: absent
	// Reply is what readers get beside the access token: a JSON object of those fields of the reply
	// that the credentials name, null if the reply has none. Empty: none are named.
	Reply secret.String
	// ServerDate is the reply's Date header; zero if absent or unreadable.
	ServerDate time.Time
	// Warnings tell people what was odd about the reply and how it was read. They never contain a
	// value of the reply.
	Warnings []string
}
