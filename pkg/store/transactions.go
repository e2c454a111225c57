package store

import (
	"context"
	"hash/fnv"
	"iter"
	"strconv"
	"time"

	"tokenrefresh/pkg/secret"
)

// Status is the status of a transaction.
type Status string

// The statuses. All except StatusActive are terminal: the row leaves the due index.
const (
	StatusActive    Status = "active"
	StatusCompleted Status = "completed" // said by the team
	StatusDeleted   Status = "deleted"   // said by the team
	StatusDead      Status = "dead"      // the provider refused the refresh token
)

// Transaction is one row. Times are UTC and kept to the second; a zero time is
// "none".
type Transaction struct {
	ID              int64         `json:"-"` // outgrows 32 bits
	Account         string        `json:"account"`
	RefreshToken    secret.String `json:"-"`
	AccessToken     secret.String `json:"-"`
	ClientToken     secret.String `json:"-"`
	AccessExpiresAt time.Time     `json:"access_expires_at,omitzero"`
	CustomerUID     string        `json:"customer_uid,omitempty"`
	Status          Status        `json:"status"`
	RecordedAt      time.Time     `json:"recorded_at,omitzero"`
	// RefreshAt orders the due index. Zero: the row is not in it.
	RefreshAt time.Time `json:"refresh_at,omitzero"`
	// ExpiresAt is when the store may delete the row (its ttl); zero: never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Failures counts failed refreshes since the last good one.
	Failures int `json:"failures,omitempty"`
	// Refusals counts the provider's refusals of the refresh token, an hour apart, that did not
	// mark the row dead. Missing, as in rows of older releases: none.
	Refusals int `json:"refusals,omitempty"`
	// RefusedAt is when the last of them was counted; of a dead row, when it was marked.
	// Missing: no refusal is remembered.
	RefusedAt time.Time `json:"refused_at,omitzero"`
}

// Due is an entry of the due index: a hint, the row may have changed since.
type Due struct {
	ID              int64
	RefreshAt       time.Time
	AccessExpiresAt time.Time
	Failures        int
}

// Read is one row that GetMany has read.
type Read struct {
	Transaction Transaction
	Found       bool
	Err         error // of a row that can't be read until a person corrects it
}

// Transactions is the store of rows with a sparse due index, sharded by ShardOf.
type Transactions interface {
	// Due returns up to limit entries of a shard, the earliest RefreshAt first,
	// whether due already or not. It may be stale, and leaves out rows past their
	// ExpiresAt at now. It also leaves out entries that can't be read, and returns an
	// error for them; the entries beside an error are good.
	Due(ctx context.Context, account string, shard, limit int, now time.Time) ([]Due, error)
	// Get reads a row consistently; false if there is none.
	Get(ctx context.Context, id int64) (Transaction, bool, error)
	// GetMany reads rows, each consistently. An error is why ids are missing; the rows beside it
	// are good.
	GetMany(ctx context.Context, ids []int64) (map[int64]Read, error)
	// Update stores what a refresh changes (tokens, AccessExpiresAt, Status, RefreshAt,
	// Failures, Refusals, RefusedAt) if the row's refresh token is still presented.
	// Fields of the stored row that this release does not know survive. ErrChanged.
	Update(ctx context.Context, t Transaction, presented secret.String) error
	// Put records a row: whole, unless a stored one has a later RecordedAt, which stands (recorded
	// is false then). A stored one more than MaxAhead after now was written with a wrong clock, and
	// is always replaced.
	Put(ctx context.Context, t Transaction, now time.Time) (recorded bool, err error)
}

// MaxAhead is how far the clock of a record's sender may be ahead.
const MaxAhead = 5 * time.Minute

// DeadEntry is an entry of the index of dead rows: a hint, the row may have changed since.
type DeadEntry struct {
	ID int64
	// MarkedAt is when the row was marked dead, UTC, kept to the second. Zero: an older release
	// marked it, without a time.
	MarkedAt time.Time
}

// Span is a span of time: From is in it, Until is not. A zero time is no bound.
type Span struct{ From, Until time.Time }

// Contains reports whether at is in the span.
func (s Span) Contains(at time.Time) bool {
	return !at.Before(s.From) && (s.Until.IsZero() || at.Before(s.Until))
}

// DeadTransactions finds rows that were marked dead. It may be stale, and leaves out rows
// past their ExpiresAt at now. An error with an ID is about that row alone, and the
// sequence goes on; any other error ends it.
type DeadTransactions interface {
	// Dead yields the rows of an account's shard that were marked within span, the latest
	// first.
	Dead(ctx context.Context, account string, shard int, span Span, now time.Time) iter.Seq2[DeadEntry, error]
	// DeadUndated yields the dead rows of an account that Dead does not find, because an older
	// release marked them. It reads the whole store.
	DeadUndated(ctx context.Context, account string, now time.Time) iter.Seq2[DeadEntry, error]
}

// Shards is how many partitions the due index has for an account. Changing it
// strands the index entries of rows until they are recorded or refreshed again.
const Shards = 8

// ShardOf is the shard of a transaction.
func ShardOf(id int64) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strconv.FormatInt(id, 10)))
	return int(h.Sum32() % Shards)
}
