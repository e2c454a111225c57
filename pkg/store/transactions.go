package store

import (
	"context"
	"hash/fnv"
	"strconv"
	"time"

	"tokenrefresh/pkg/secret"
)

// Status is what is known of a transaction.
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
	ID              int64 // outgrows 32 bits
	Account         string
	RefreshToken    secret.String
	AccessToken     secret.String
	ClientToken     secret.String
	AccessExpiresAt time.Time
	CustomerUID     string
	Status          Status
	RecordedAt      time.Time
	// RefreshAt orders the due index. Zero: the row is not in it.
	RefreshAt time.Time
	// ExpiresAt is when the store may delete the row (its ttl); zero: never.
	ExpiresAt time.Time
	// Failures counts failed refreshes since the last good one.
	Failures int
}

// Due is an entry of the due index: a hint, the row may have changed since.
type Due struct {
	ID              int64
	RefreshAt       time.Time
	AccessExpiresAt time.Time
	Failures        int
}

// Read is what GetMany has read of a row.
type Read struct {
	Transaction Transaction
	Found       bool
	Err         error // of a row that can't be read, and is a person's to correct
}

// Transactions is the store of rows with a sparse due index, sharded by ShardOf.
type Transactions interface {
	// Due returns up to limit entries of a shard, the earliest RefreshAt first,
	// whether due already or not. It may be stale, and leaves out rows past their
	// ExpiresAt at now. It also leaves out what can't be read, of which the error
	// tells; the entries beside an error are good.
	Due(ctx context.Context, account string, shard, limit int, now time.Time) ([]Due, error)
	// Get reads a row consistently; false where there is none.
	Get(ctx context.Context, id int64) (Transaction, bool, error)
	// GetMany reads rows, each consistently. An error tells why ids are left out; those
	// in the map beside it are good.
	GetMany(ctx context.Context, ids []int64) (map[int64]Read, error)
	// Update stores what a refresh changes (tokens, AccessExpiresAt, Status,
	// RefreshAt, Failures) if the row's refresh token is still presented.
	// ErrChanged.
	Update(ctx context.Context, t Transaction, presented secret.String) error
	// Put records a row: whole, unless a stored one has a later RecordedAt, which
	// stands (recorded is false then).
	Put(ctx context.Context, t Transaction) (recorded bool, err error)
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
