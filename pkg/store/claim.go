package store

import "time"

// Claim says who sweeps a shard of an account's transactions, and until when. It is not the
// claim on a credential: that is in Row. It saves work and guards nothing: a sweep done twice
// does no harm.
type Claim struct {
	Account Key // whose transactions
	Shard   int

	Holder string // the run that claimed last
	// Fence counts the writes of this claim; never goes back.
	Fence int64
	// Until is when the claim runs out, UTC, kept to the millisecond; zero: it was given
	// back.
	Until time.Time

	// Unreadable says why the stored claim cannot be read; then only Account and Shard are
	// set beside it. It is never written.
	Unreadable error
}

// Held reports whether a run holds the claim at now.
func (c Claim) Held(now time.Time) bool { return now.Before(c.Until) }
