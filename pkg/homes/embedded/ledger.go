package embedded

import (
	"context"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/store"
)

// Ledger is a store.Ledger. Its bucket has one bucket for each provider, which holds rows by
// account, and the claims of shards among them.
type Ledger struct{ file file }

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
	err := l.file.view(ctx, func(tx *bbolt.Tx) error {
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
	err := l.file.view(ctx, func(tx *bbolt.Tx) error {
		var err error
		if row, found, err = loadRow(tx, key); err != nil {
			row, found = store.Row{Key: key, Unreadable: err}, true
		}
		return nil
	})
	return row, found, err
}

// Write implements store.Ledger.
func (l *Ledger) Write(ctx context.Context, row store.Row, guard store.Guard) error {
	return l.file.update(ctx, func(tx *bbolt.Tx) error {
		stored, found, err := loadRow(tx, row.Key)
		if err != nil {
			return err
		}
		if !guard.Holds(stored, found) {
			return &store.LostError{Current: stored, Exists: found}
		}
		row.Paused, row.Told = stored.Paused, stored.Told
		return storeRow(tx, row)
	})
}

// SetPaused implements store.Ledger.
func (l *Ledger) SetPaused(ctx context.Context, key store.Key, paused bool) error {
	return l.file.update(ctx, func(tx *bbolt.Tx) error {
		row, found, err := loadRow(tx, key)
		if err != nil {
			return err
		}
		if !found {
			row = store.Row{Key: key, Phase: store.Idle}
		}
		row.Paused = paused
		return storeRow(tx, row)
	})
}

// SetTold implements store.Ledger.
func (l *Ledger) SetTold(ctx context.Context, key store.Key, told string) error {
	return l.file.update(ctx, func(tx *bbolt.Tx) error {
		row, found, err := loadRow(tx, key)
		if err != nil || !found {
			return err
		}
		row.Told = told
		return storeRow(tx, row)
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
