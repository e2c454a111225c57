// Package announce decides which end of a run is news for other systems, and sends it as an event.
// Teams build automation on these events.
package announce

import (
	"context"
	"time"

	"tokenrefresh/pkg/outcome"
)

// Type says what an event is about.
type Type string

// The types.
const (
	Rotated   Type = "Token Rotated"        // a new access token is live
	Failed    Type = "Token Refresh Failed" // a person must act
	Recovered Type = "Token Recovered"      // it is well again
)

// Rejected is the type of readers' events: the provider refuses a published token.
const Rejected Type = "Token Rejected"

// Rejection is a reader's event. It holds no token.
type Rejection struct {
	Provider  string `json:"provider"`
	Account   string `json:"account"`
	AttemptID string `json:"attempt_id"` // of the document `access`
}

// Event is news of one account, or of many in one digest. It holds no token, key or password.
type Event struct {
	Type     Type            `json:"-"`
	At       time.Time       `json:"-"`
	Provider string          `json:"provider"`
	Account  string          `json:"account,omitempty"`  // of one
	Accounts []string        `json:"accounts,omitempty"` // of a digest
	RunID    string          `json:"run_id"`
	Outcome  outcome.Outcome `json:"outcome"`
	// Outcomes counts the transactions of a sweep, for which Outcome is the verdict, or the
	// accounts of a digest. Most of these have Outcome.
	Outcomes        map[outcome.Outcome]int `json:"outcomes,omitempty"`
	AttemptID       string                  `json:"attempt_id,omitempty"`
	VersionID       string                  `json:"version_id,omitempty"`        // of the secret tokens, and of access
	AccessExpiresAt string                  `json:"access_expires_at,omitempty"` // RFC 3339 UTC; of a sweep, what ends first
	AttemptsLeft    *int                    `json:"attempts_left,omitempty"`
	Error           string                  `json:"error,omitempty"` // what happened, and what to do
}

// Bus carries events to other systems.
type Bus interface {
	// Put delivers events. Some of them may have been delivered in spite of an error, and an event
	// may be delivered twice.
	Put(ctx context.Context, events []Event) error
}

// Acted is the type of events about what a person has done.
const Acted Type = "Operator Acted"

// Act is what a person has done to an account. It holds no token, key or password.
type Act struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`                // who: on AWS the caller's ARN, on a machine the user
	Act      string    `json:"act"`               // the verb, such as "pause" or "seed credentials"
	Provider string    `json:"provider"`          // empty: several
	Account  string    `json:"account,omitempty"` // empty: several
	Details  string    `json:"details,omitempty"` // what of it, for people
	Tool     string    `json:"tool"`              // the release of tokenctl
}
