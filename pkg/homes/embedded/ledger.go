package embedded

import (
	"context"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/refresh"
)

// Ledger is a refresh.Ledger. Its bucket has one bucket a provider, and that the
// rows by account.
type Ledger struct{ file file }

var _ refresh.Ledger = (*Ledger)(nil)

// Rows implements refresh.Ledger.
func (l *Ledger) Rows(ctx context.Context, provider string) ([]refresh.Row, error) {
	var rows []refresh.Row
	err := l.file.view(ctx, func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(ledgerBucket).Bucket([]byte(provider))
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(account, data []byte) error {
			row, err := decodeRow(refresh.Key{Provider: provider, Account: string(account)}, data)
			row.Unreadable = err
			rows = append(rows, row)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// Row implements refresh.Ledger.
func (l *Ledger) Row(ctx context.Context, key refresh.Key) (refresh.Row, bool, error) {
	var row refresh.Row
	var found bool
	err := l.file.view(ctx, func(tx *bbolt.Tx) error {
		var err error
		if row, found, err = loadRow(tx, key); err != nil {
			row, found = refresh.Row{Key: key, Unreadable: err}, true
		}
		return nil
	})
	return row, found, err
}

// Write implements refresh.Ledger.
func (l *Ledger) Write(ctx context.Context, row refresh.Row, guard refresh.Guard) error {
	return l.file.update(ctx, func(tx *bbolt.Tx) error {
		stored, found, err := loadRow(tx, row.Key)
		if err != nil {
			return err
		}
		if !holds(guard, stored, found) {
			return &refresh.LostError{Current: stored, Exists: found}
		}
		row.Paused = stored.Paused
		return storeRow(tx, row)
	})
}

// SetPaused implements refresh.Ledger.
func (l *Ledger) SetPaused(ctx context.Context, key refresh.Key, paused bool) error {
	return l.file.update(ctx, func(tx *bbolt.Tx) error {
		row, found, err := loadRow(tx, key)
		if err != nil {
			return err
		}
		if !found {
			row = refresh.Row{Key: key, Phase: refresh.Idle}
		}
		row.Paused = paused
		return storeRow(tx, row)
	})
}

func holds(guard refresh.Guard, stored refresh.Row, found bool) bool {
	if guard.Absent || !found {
		return guard.Absent && !found
	}
	return guard.Fence == stored.Fence &&
		(guard.AttemptID == "" || guard.AttemptID == stored.AttemptID) &&
		(guard.Phase == "" || guard.Phase == stored.Phase) &&
		(!guard.SameEscrow || guard.EscrowOf == stored.Escrow.AttemptID)
}

func loadRow(tx *bbolt.Tx, key refresh.Key) (refresh.Row, bool, error) {
	bucket := tx.Bucket(ledgerBucket).Bucket([]byte(key.Provider))
	if bucket == nil {
		return refresh.Row{}, false, nil
	}
	data := bucket.Get([]byte(key.Account))
	if data == nil {
		return refresh.Row{}, false, nil
	}
	row, err := decodeRow(key, data)
	return row, err == nil, err
}

func storeRow(tx *bbolt.Tx, row refresh.Row) error {
	bucket, err := tx.Bucket(ledgerBucket).CreateBucketIfNotExists([]byte(row.Provider))
	if err != nil {
		return err
	}
	data, err := encodeRow(row)
	if err != nil {
		return err
	}
	return bucket.Put([]byte(row.Account), data)
}
