package store

import (
	"context"
	"time"
)

// Guard is the condition under which a row is written.
type Guard struct {
	Absent bool  // there is no row; all else is ignored
	Fence  int64 // the row's fence
	// AttemptID and Phase are compared if they are not empty.
	AttemptID string
	Phase     Phase
	// SameEscrow: the escrow is of the attempt EscrowOf; empty: there is none.
	SameEscrow bool
	EscrowOf   string
}

// Holds reports whether a stored row, if there is one, may be written over.
func (g Guard) Holds(stored Row, exists bool) bool {
	if g.Absent || !exists {
		return g.Absent && !exists
	}
	return g.Fence == stored.Fence &&
		(g.AttemptID == "" || g.AttemptID == stored.AttemptID) &&
		(g.Phase == "" || g.Phase == stored.Phase) &&
		(!g.SameEscrow || g.EscrowOf == stored.Escrow.AttemptID)
}

// Ledger is the table of rows. Reads are consistent.
type Ledger interface {
	// Rows returns all rows of a provider, in order of account, in one call. A row that cannot be
	// read is among them, with Unreadable set.
	Rows(ctx context.Context, provider string) ([]Row, error)
	// Row returns one row; false if there is none.
	Row(ctx context.Context, key Key) (Row, bool, error)
	// Write stores every field of row except Paused, Told and Unreadable, if guard holds.
	// *LostError.
	Write(ctx context.Context, row Row, guard Guard) error
	// SetPaused sets Paused alone, whatever else the row holds. It makes an idle row if
	// there is none.
	SetPaused(ctx context.Context, key Key, paused bool) error
	// SetTold sets Told alone, whatever else the row holds. It does nothing if there is none.
	SetTold(ctx context.Context, key Key, told string) error
}

// ShardClaims is the part of a ledger that holds the claims of shards. Reads are consistent.
type ShardClaims interface {
	// RowsAndShardClaims returns all rows of a provider in order of account, and all claims on
	// shards of its accounts, in one call. A row or claim that cannot be read is among them, with
	// Unreadable set.
	RowsAndShardClaims(ctx context.Context, provider string) ([]Row, []ShardClaim, error)
	// WriteShardClaim stores a claim if the stored one's fence is one less, or if there is none
	// and claim.Fence is 1. *ShardClaimLostError.
	WriteShardClaim(ctx context.Context, claim ShardClaim) error
}

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
