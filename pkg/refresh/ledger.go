package refresh

import (
	"context"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/secret"
)

// Phase says whether an attempt is under way.
type Phase string

// The phases.
const (
	Idle    Phase = "idle"
	Sending Phase = "sending"
)

// State is what is known of a credential's health.
type State string

// The states. All but OK wait for a person.
const (
	OK            State = "ok"
	Dead          State = "dead"
	Uncertain     State = "uncertain"
	Misconfigured State = "misconfigured"
)

// SpentKept is how many fingerprints of presented refresh tokens a row keeps.
const SpentKept = 8

// Source is where tokens came from, or what an attempt does.
type Source string

// The sources.
const (
	FromRefresh Source = "refresh"
	FromLogin   Source = "login"
	FromSeed    Source = "seed"
)

// Row is what the ledger knows of one credential. Times are UTC and kept to the
// millisecond; a zero time is "none".
type Row struct {
	Key

	// The claim: lease and intent in one.
	Phase         Phase
	AttemptID     string // who sends, or sent last
	AttemptSource Source // FromRefresh or FromLogin
	ClaimedBy     string // the run that holds the claim: takeovers keep the attempt id
	Fence         int64  // counts every claim and takeover; never goes back
	ClaimedUntil  time.Time
	BaseVersionID string // current version of tokens as read before the claim

	// Spent are the fingerprints of the refresh tokens presented last, oldest first.
	Spent []string

	// Escrow is a reply that is not promoted yet.
	Escrow Escrow

	State State
	// CredentialsVersionID and SeenVersionID are the current versions of
	// credentials and tokens when State or LoginFailures were last set: a change of
	// either is a person's answer.
	CredentialsVersionID string
	SeenVersionID        string

	VersionID          string // version of tokens settled last
	PublishedVersionID string // version of access published last

	RefreshAt           time.Time
	NotBefore           time.Time
	LoginFailures       int
	AccessExpiresAt     time.Time
	RefreshExpiresAt    time.Time
	LastSuccessAt       time.Time
	LastOutcome         outcome.Outcome
	LastError           string // why LastOutcome is none to wish for, in a line, for people; without secrets
	ConsecutiveFailures int

	// StagedAt tells when the attempts of the last day that may have staged a version
	// began, oldest first, to the second: the store keeps so many versions a day.
	StagedAt []time.Time

	// Paused stops provider calls. Only SetPaused writes it.
	Paused bool

	// Unreadable says why the stored row cannot be read, for instance after an edit by
	// hand; then only Key is set beside it. It is never written.
	Unreadable error
}

// Escrow is the ledger's own copy of a reply, encrypted at rest like the secrets.
type Escrow struct {
	AttemptID string // empty: no escrow
	// Bytes is the exact value staged as tokens or, where Raw, the provider's reply
	// as it came.
	Bytes secret.String
	Raw   bool
	Sent  time.Time // when the request was sent; set where Raw
}

// Guard is what must hold of the stored row for a write to happen.
type Guard struct {
	Absent bool  // there is no row; all else is ignored
	Fence  int64 // the row's fence
	// AttemptID and Phase are compared where they are not empty.
	AttemptID string
	Phase     Phase
	// SameEscrow: the escrow is of the attempt EscrowOf; empty: there is none.
	SameEscrow bool
	EscrowOf   string
}

// LostError is Write's answer where the guard did not hold.
type LostError struct {
	Current Row // the stored row
	Exists  bool
}

// Error implements error.
func (*LostError) Error() string { return "the ledger row has changed meanwhile" }

// Ledger is the table of rows. Reads are consistent. Any error but *LostError is
// passing trouble, or ErrForbidden, and may mean that a write was done although it failed.
type Ledger interface {
	// Rows returns all rows of a provider, in order of account, in one call. One that
	// cannot be read is among them, and no error.
	Rows(ctx context.Context, provider string) ([]Row, error)
	// Row returns one row; false where there is none.
	Row(ctx context.Context, key Key) (Row, bool, error)
	// Write stores every field of row but Paused and Unreadable, if guard holds. *LostError.
	Write(ctx context.Context, row Row, guard Guard) error
	// SetPaused sets Paused alone, whatever else the row holds, and makes an idle
	// row where there is none.
	SetPaused(ctx context.Context, key Key, paused bool) error
}
