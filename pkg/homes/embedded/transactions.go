package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Transactions is a store.Transactions. Its bucket has the rows by id; index.go describes
// the indexes. Each Put deletes a few rows past their ExpiresAt.
type Transactions struct {
	home  *Home
	table []byte // the bucket that holds rows and indexes; empty: they lie in the root
}

// table holds the buckets of rows and of their indexes.
type table interface {
	Bucket(name []byte) *bbolt.Bucket
}

// view runs do, unless nothing was ever written.
func (x *Transactions) view(ctx context.Context, do func(in table) error) error {
	return x.home.view(ctx, func(tx *bbolt.Tx) error {
		if len(x.table) == 0 {
			return do(tx)
		}
		if in := tx.Bucket(x.table); in != nil {
			return do(in)
		}
		return nil
	})
}

func (x *Transactions) update(ctx context.Context, do func(in table) error) error {
	return x.home.update(ctx, func(tx *bbolt.Tx) error {
		if len(x.table) == 0 {
			return do(tx)
		}
		in, err := tx.CreateBucketIfNotExists(x.table)
		for _, name := range [][]byte{transactionsBucket, dueBucket, expiryBucket} {
			if err == nil {
				_, err = in.CreateBucketIfNotExists(name)
			}
		}
		if err != nil {
			return err
		}
		return do(in)
	})
}

var (
	_ store.Transactions     = (*Transactions)(nil)
	_ store.DeadTransactions = (*Transactions)(nil)
)

// Due implements store.Transactions.
func (x *Transactions) Due(ctx context.Context, account string, shard, limit int, now time.Time) ([]store.Due, error) {
	var due []store.Due
	err := x.view(ctx, func(in table) (err error) {
		due, err = earliest(in, account, shard, limit, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return due, nil
}

// Get implements store.Transactions.
func (x *Transactions) Get(ctx context.Context, id int64) (store.Transaction, bool, error) {
	var t store.Transaction
	var found bool
	err := x.view(ctx, func(in table) (err error) {
		t, found, err = loadTransaction(in, id)
		return err
	})
	return t, found, err
}

// GetMany implements store.Transactions.
func (x *Transactions) GetMany(ctx context.Context, ids []int64) (map[int64]store.Read, error) {
	rows := make(map[int64]store.Read, len(ids))
	err := x.view(ctx, func(in table) error {
		for _, id := range ids {
			t, found, err := loadTransaction(in, id)
			rows[id] = store.Read{Transaction: t, Found: found, Err: err}
		}
		return nil
	})
	for _, id := range ids {
		if _, read := rows[id]; err == nil && !read { // the table has no row yet
			rows[id] = store.Read{}
		}
	}
	return rows, err
}

// Update implements store.Transactions.
func (x *Transactions) Update(ctx context.Context, t store.Transaction, presented secret.String) error {
	return x.update(ctx, func(in table) error {
		stored, found, err := loadTransaction(in, t.ID)
		if err != nil {
			return err
		}
		if !found || stored.RefreshToken != presented {
			return store.ErrChanged
		}
		next := stored
		next.RefreshToken, next.AccessToken, next.ClientToken = t.RefreshToken, t.AccessToken, t.ClientToken
		next.AccessExpiresAt, next.RefreshAt = t.AccessExpiresAt, t.RefreshAt
		next.Status, next.Failures = t.Status, t.Failures
		next.Refusals, next.RefusedAt = t.Refusals, t.RefusedAt
		return replace(in, stored, next, true)
	})
}

// Put implements store.Transactions.
func (x *Transactions) Put(ctx context.Context, t store.Transaction, now time.Time) (bool, error) {
	var recorded bool
	err := x.update(ctx, func(in table) error {
		if err := deleteExpired(in, time.Now()); err != nil {
			return err
		}
		stored, _, err := loadTransaction(in, t.ID)
		if err != nil {
			return err
		}
		later := stored.RecordedAt.After(seconds(t.RecordedAt)) && !stored.RecordedAt.After(now.Add(store.MaxAhead))
		if recorded = !later; !recorded {
			return errUnchanged
		}
		return replace(in, stored, t, false)
	})
	return recorded && err == nil, err
}

// replace stores next and its index entries instead of those of stored, which is zero if there is
// no row yet. keep: fields of the stored row that this release does not know survive.
func replace(in table, stored, next store.Transaction, keep bool) error {
	if err := unindex(in, stored); err != nil {
		return err
	}
	next = normal(next)
	data, err := encodeTransaction(next)
	if keep && err == nil {
		data, err = withUnknown(in.Bucket(transactionsBucket).Get(ordered(next.ID)), data, transactionNames)
	}
	if err != nil {
		return err
	}
	if err := in.Bucket(transactionsBucket).Put(ordered(next.ID), data); err != nil {
		return err
	}
	return index(in, next)
}

func loadTransaction(in table, id int64) (store.Transaction, bool, error) {
	data := in.Bucket(transactionsBucket).Get(ordered(id))
	if data == nil {
		return store.Transaction{}, false, nil
	}
	t, err := decodeTransaction(id, data)
	return t, err == nil, err
}

// storedTransaction is a store.Transaction as the file holds it. Its id is the key there.
type storedTransaction struct {
	store.Transaction

	// These replace the transaction's, which mask themselves.
	RefreshToken string `json:"refresh_token"`
	AccessToken  string `json:"access_token,omitempty"`
	ClientToken  string `json:"client_token,omitempty"`
}

// seconds is a time as transactions keep it.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// normal is a transaction with the precision of the file.
func normal(t store.Transaction) store.Transaction {
	for _, at := range times(&t) {
		*at = seconds(*at)
	}
	if t.Status != store.StatusActive {
		t.RefreshAt = time.Time{}
	}
	return t
}

func encodeTransaction(t store.Transaction) ([]byte, error) {
	//nolint:gosec // the file is where the tokens are kept
	return json.Marshal(storedTransaction{t, t.RefreshToken.Reveal(), t.AccessToken.Reveal(), t.ClientToken.Reveal()})
}

func decodeTransaction(id int64, data []byte) (store.Transaction, error) {
	var s storedTransaction
	err := json.Unmarshal(data, &s)
	if err == nil {
		err = keepable(&s.Transaction)
	}
	if err != nil {
		return store.Transaction{}, fmt.Errorf("transaction %d cannot be read: %w", id, err)
	}
	t := s.Transaction
	t.ID, t.RefreshToken = id, secret.New(s.RefreshToken)
	t.AccessToken, t.ClientToken = secret.New(s.AccessToken), secret.New(s.ClientToken)
	return t, nil
}
