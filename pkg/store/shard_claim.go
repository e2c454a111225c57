package store

import "time"

// ShardClaim says who sweeps a shard of an account's transactions, and until when. The claim on a
// credential is in Row. This one saves work and guards nothing: a sweep done twice does no harm.
type ShardClaim struct {
	Account Key // whose transactions
	Shard   int

	Holder string // the run that claimed last
	// Fence counts the writes of this claim; never goes back.
	Fence int64
	// Until is when the claim runs out, UTC, kept to the millisecond; zero: it was released.
	Until time.Time

	// Unreadable is why the stored claim cannot be read. Only Account and Shard are set beside it.
	// It is never written.
	Unreadable error
}

// Held reports whether a run holds the claim at now.
func (c ShardClaim) Held(now time.Time) bool { return now.Before(c.Until) }
