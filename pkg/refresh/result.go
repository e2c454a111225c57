package refresh

import (
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// Request is the order for a run.
type Request struct {
	RunID   string // names the run in claims and logs; required
	Account string // empty: all accounts
	// Force tries once now: it ignores the due time, back-offs, and the states Misconfigured and
	// Dead. It never ignores a live claim, a pause or Uncertain, and presents no token twice.
	Force bool
	// DryRun reads and decides; it writes nothing and calls no provider.
	DryRun bool
	// Rejected is the attempt whose published access token is refused, according to a reader. Any
	// reader may claim that of any account: it is not trusted.
	Rejected string

	began   time.Time
	waiting int          // accounts that wait for an edit
	probe   store.Source // see probes.go
}

// Result is how a run ended for one credential.
type Result struct {
	Account         string
	Outcome         outcome.Outcome
	Source          store.Source // of the tokens, if the run made or recovered some
	AccessExpiresAt time.Time
	VersionID       string // of tokens
	Err             error  // why, and what to do; safe to print
	Warnings        []string
	Panicked        bool

	// For telemetry.
	Reason           string // of each step, in their order, joined by "; "
	AttemptID        string
	RefreshExpiresAt time.Time
	ProviderLatency  time.Duration // of the last provider call; 0: none
	ClockSkew        time.Duration // provider's Date minus the local clock, in full seconds
	ClockRead        bool          // whether a provider sent its Date

	// From the ledger's row after the run; only if Known.
	Known bool
	// AttemptsLeft is how many attempts can still save the tokens, as pace.Outlook counts them:
	// those that the schedule will make before the access token ends, or the refresh token if
	// that ends before. 0 if a person must act first; refused credentials are tried again, far
	// apart. A pause counts as if it ended now.
	AttemptsLeft int
	Failures     int             // in a row, this run included
	Versions     int             // of tokens that may have been staged within 24 hours
	Trouble      string          // what a person must hear about, as store.Row.Told keeps it; empty: nothing
	Told         string          // what a person heard about last
	Before       outcome.Outcome // the row's last outcome when the run began
	Noted        outcome.Outcome // and when it ended
}
