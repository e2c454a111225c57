package embedded

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/store"
)

// There are two indexes beside the transactions. In due, each account has a bucket with one bucket
// for each shard, ordered by RefreshAt and id, and deadAccount a bucket of the same form for its
// dead rows, ordered by RefusedAt and id. The bucket expiry is ordered by ExpiresAt and id.

// deadAccount names the bucket of an account's dead rows. No account has "#" in its name.
func deadAccount(account string) string { return "#dead#" + account }

// place returns the bucket and the time under which due holds a row; ok is false if due does not
// hold it.
func place(t store.Transaction) (account string, at time.Time, ok bool) {
	if t.Status == store.StatusDead {
		return deadAccount(t.Account), t.RefusedAt, !t.RefusedAt.IsZero()
	}
	return t.Account, t.RefreshAt, !t.RefreshAt.IsZero()
}

// dueEntry is the entry of a row in due.
type dueEntry struct {
	AccessExpiresAt time.Time `json:"access_expires_at,omitzero"`
	ExpiresAt       time.Time `json:"expires_at,omitzero"`
	Failures        int       `json:"failures,omitzero"`
}

// deletedAtOnce limits how many other rows a write deletes. It is more than one, so that deleting
// keeps up with recording.
const deletedAtOnce = 16

// ordered encodes n in eight bytes that sort as numbers do, negative ones too.
func ordered(n int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(n)^1<<63) //nolint:gosec // the bits are meant
}

// number reverses ordered.
func number(b []byte) int64 {
	return int64(binary.BigEndian.Uint64(b) ^ 1<<63) //nolint:gosec // the bits are meant
}

// timeKey is the key of a row in an index over times.
func timeKey(at time.Time, id int64) []byte { return append(ordered(at.Unix()), ordered(id)...) }

// splitKey reverses timeKey.
func splitKey(key []byte) (at time.Time, id int64) {
	return time.Unix(number(key[:8]), 0).UTC(), number(key[8:])
}

func index(in table, t store.Transaction) error {
	if !t.ExpiresAt.IsZero() {
		if err := in.Bucket(expiryBucket).Put(timeKey(t.ExpiresAt, t.ID), nil); err != nil {
			return err
		}
	}
	name, at, ok := place(t)
	if !ok {
		return nil
	}
	account, err := in.Bucket(dueBucket).CreateBucketIfNotExists([]byte(name))
	if err != nil {
		return err
	}
	shard, err := account.CreateBucketIfNotExists(ordered(int64(store.ShardOf(t.ID))))
	if err != nil {
		return err
	}
	entry, err := json.Marshal(dueEntry{t.AccessExpiresAt, t.ExpiresAt, t.Failures})
	if err != nil {
		return err
	}
	return shard.Put(timeKey(at, t.ID), entry)
}

func unindex(in table, t store.Transaction) error {
	if err := in.Bucket(expiryBucket).Delete(timeKey(t.ExpiresAt, t.ID)); err != nil {
		return err
	}
	name, at, ok := place(t)
	if shard := shardBucket(in, name, store.ShardOf(t.ID)); ok && shard != nil {
		return shard.Delete(timeKey(at, t.ID))
	}
	return nil
}

// shardBucket is nil if no row of the shard has ever been due.
func shardBucket(in table, account string, shard int) *bbolt.Bucket {
	if bucket := in.Bucket(dueBucket).Bucket([]byte(account)); bucket != nil {
		return bucket.Bucket(ordered(int64(shard)))
	}
	return nil
}

// earliest reads the due index of a shard.
func earliest(in table, account string, shard, limit int, now time.Time) ([]store.Due, error) {
	bucket := shardBucket(in, account, shard)
	if bucket == nil {
		return nil, nil
	}
	var due []store.Due
	cursor := bucket.Cursor()
	for key, data := cursor.First(); key != nil && len(due) < limit; key, data = cursor.Next() {
		refreshAt, id := splitKey(key)
		var entry dueEntry
		if err := json.Unmarshal(data, &entry); err != nil {
			return nil, fmt.Errorf("due entry of transaction %d cannot be read: %w", id, err)
		}
		if entry.ExpiresAt.IsZero() || entry.ExpiresAt.After(now) {
			due = append(due, store.Due{
				ID: id, RefreshAt: refreshAt, AccessExpiresAt: entry.AccessExpiresAt, Failures: entry.Failures,
			})
		}
	}
	return due, nil
}

// deleteExpired deletes the rows that expired first.
func deleteExpired(in table, now time.Time) error {
	expiry := in.Bucket(expiryBucket)
	for range deletedAtOnce {
		key, _ := expiry.Cursor().First()
		if key == nil {
			return nil
		}
		at, id := splitKey(key)
		if at.After(now) {
			return nil
		}
		t, _, err := loadTransaction(in, id)
		if err = errors.Join(err, unindex(in, t), in.Bucket(transactionsBucket).Delete(ordered(id))); err != nil {
			return err
		}
	}
	return nil
}
