package embedded

import (
	"context"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/store"
)

// WriteShardClaim implements store.ShardClaims. A claim is stored as a row, as in releases that kept
// claims as rows: code of either kind reads what the other wrote.
func (l *Ledger) WriteShardClaim(ctx context.Context, claim store.ShardClaim) error {
	key := store.ShardKey(claim.Account, claim.Shard)
	return l.file.update(ctx, func(tx *bbolt.Tx) error {
		row, _, err := loadRow(tx, key)
		if err != nil {
			return err
		}
		if row.Fence != claim.Fence-1 {
			return &store.ShardClaimLostError{Current: claimOf(key, row)}
		}
		row.Key, row.ClaimedBy, row.Fence, row.ClaimedUntil = key, claim.Holder, claim.Fence, claim.Until
		row.Phase = store.Sending
		if claim.Until.IsZero() {
			row.Phase = store.Idle
		}
		return storeRow(tx, row)
	})
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
