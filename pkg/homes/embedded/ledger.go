package embedded

import (
	"context"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/store"
)

// Ledger is a store.Ledger. Its bucket has one bucket for each provider, which holds rows by
// account, and the claims of shards among them.
type Ledger struct{ home *Home }

var (
	_ store.Ledger      = (*Ledger)(nil)
	_ store.ShardClaims = (*Ledger)(nil)
)

// Rows implements store.Ledger.
func (l *Ledger) Rows(ctx context.Context, provider string) ([]store.Row, error) {
	rows, _, err := l.RowsAndShardClaims(ctx, provider)
	return rows, err
}

// RowsAndShardClaims implements store.ShardClaims.
func (l *Ledger) RowsAndShardClaims(ctx context.Context, provider string) ([]store.Row, []store.ShardClaim, error) {
	var rows []store.Row
	var claims []store.ShardClaim
	err := l.home.view(ctx, func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(ledgerBucket).Bucket([]byte(provider))
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(account, data []byte) error {
			key := store.Key{Provider: provider, Account: string(account)}
			if claim, ok := decodeClaim(key, data); ok {
				claims = append(claims, claim)
				return nil
			}
			row, err := decodeRow(key, data)
			row.Unreadable = err
			rows = append(rows, row)
			return nil
		})
	})
	if err != nil {
		return nil, nil, err
	}
	return rows, claims, nil
}

// Row implements store.Ledger.
func (l *Ledger) Row(ctx context.Context, key store.Key) (store.Row, bool, error) {
	var row store.Row
	var found bool
	err := l.home.view(ctx, func(tx *bbolt.Tx) error {
		var err error
		if row, found, err = loadRow(tx, key); err != nil {
			row, found = store.Row{Key: key, Unreadable: err}, true
		}
		return nil
	})
	return row, found, err
}

// change gives do a stored row, or an empty one, and stores what do makes of it.
func (l *Ledger) change(ctx context.Context, key store.Key, do func(row *store.Row, found bool) error) error {
	return l.home.update(ctx, func(tx *bbolt.Tx) error {
		row, found, err := loadRow(tx, key)
		if err == nil {
			err = do(&row, found)
		}
		if err != nil {
			return err
		}
		row.Key = key
		return storeRow(tx, row)
	})
}

// Write implements store.Ledger.
func (l *Ledger) Write(ctx context.Context, row store.Row, guard store.Guard) error {
	return l.change(ctx, row.Key, func(stored *store.Row, found bool) error {
		if !guard.Holds(*stored, found) {
			return &store.LostError{Current: *stored, Exists: found}
		}
		row.Paused, row.Told = stored.Paused, stored.Told
		*stored = row
		return nil
	})
}

// SetPaused implements store.Ledger.
func (l *Ledger) SetPaused(ctx context.Context, key store.Key, paused bool) error {
	return l.change(ctx, key, func(row *store.Row, found bool) error {
		if !found {
			row.Phase = store.Idle
		}
		row.Paused = paused
		return nil
	})
}

// SetTold implements store.Ledger.
func (l *Ledger) SetTold(ctx context.Context, key store.Key, told string) error {
	return l.change(ctx, key, func(row *store.Row, found bool) error {
		if !found {
			return errUnchanged
		}
		row.Told = told
		return nil
	})
}

// WriteShardClaim implements store.ShardClaims. A claim is stored as a row, as in releases that kept
// claims as rows: code of either kind reads what the other wrote.
func (l *Ledger) WriteShardClaim(ctx context.Context, claim store.ShardClaim) error {
	key := store.ShardKey(claim.Account, claim.Shard)
	return l.change(ctx, key, func(row *store.Row, _ bool) error {
		if row.Fence != claim.Fence-1 {
			return &store.ShardClaimLostError{Current: claimOf(key, *row)}
		}
		row.ClaimedBy, row.Fence, row.ClaimedUntil, row.Phase = claim.Holder, claim.Fence, claim.Until, store.Sending
		if claim.Until.IsZero() {
			row.Phase = store.Idle
		}
		return nil
	})
}

func loadRow(tx *bbolt.Tx, key store.Key) (store.Row, bool, error) {
	bucket := tx.Bucket(ledgerBucket).Bucket([]byte(key.Provider))
	if bucket == nil {
		return store.Row{}, false, nil
	}
	data := bucket.Get([]byte(key.Account))
	if data == nil {
		return store.Row{}, false, nil
	}
	row, err := decodeRow(key, data)
	return row, err == nil, err
}

func storeRow(tx *bbolt.Tx, row store.Row) error {
	bucket, err := tx.Bucket(ledgerBucket).CreateBucketIfNotExists([]byte(row.Provider))
	if err != nil {
		return err
	}
	data, err := encodeRow(row)
	if err != nil {
		return err
	}
	if data, err = withUnknown(bucket.Get([]byte(row.Account)), data, rowNames); err != nil {
		return err
	}
	return bucket.Put([]byte(row.Account), data)
}

// decodeClaim reads the claim of a shard; ok is false for any other row.
func decodeClaim(key store.Key, data []byte) (claim store.ShardClaim, ok bool) {
	account, shard, ok := store.SplitShardKey(key)
	if !ok {
		return store.ShardClaim{}, false
	}
	row, err := decodeRow(key, data)
	if err != nil {
		return store.ShardClaim{Account: account, Shard: shard, Unreadable: err}, true
	}
	return claimOf(key, row), true
}

// claimOf is the claim that a stored row holds.
func claimOf(key store.Key, row store.Row) store.ShardClaim {
	account, shard, _ := store.SplitShardKey(key)
	claim := store.ShardClaim{Account: account, Shard: shard, Holder: row.ClaimedBy, Fence: row.Fence}
	if row.Phase == store.Sending {
		claim.Until = row.ClaimedUntil
	}
	return claim
}
