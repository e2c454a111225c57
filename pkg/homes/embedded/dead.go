package embedded

import (
	"bytes"
	"context"
	"iter"
	"time"

	"tokenrefresh/pkg/store"
)

// deadPage is how many rows one transaction reads: the file is not held for longer.
const deadPage = 1000

// deadReading is one entry that a page has read.
type deadReading struct {
	store.DeadEntry
	err error // about this entry alone
}

// Dead implements store.DeadTransactions.
func (x *Transactions) Dead(
	ctx context.Context, account string, shard int, span store.Span, now time.Time,
) iter.Seq2[store.DeadEntry, error] {
	var end []byte
	if !span.Until.IsZero() {
		end = ordered(span.Until.Unix())
	}
	return x.deadPages(ctx, end, func(in table, below []byte) (page []deadReading, next []byte) {
		bucket := shardBucket(in, deadAccount(account), shard)
		if bucket == nil {
			return nil, nil
		}
		cursor := bucket.Cursor()
		key, _ := cursor.Last()
		if below != nil {
			if key, _ = cursor.Seek(below); key == nil {
				key, _ = cursor.Last()
			} else {
				key, _ = cursor.Prev()
			}
		}
		for range deadPage {
			if key == nil {
				return page, nil
			}
			at, id := splitKey(key)
			if at.Before(span.From) {
				return page, nil
			}
			// An older release leaves the entry of a row that it writes.
			switch t, found, err := loadTransaction(in, id); {
			case err != nil:
				page = append(page, deadReading{store.DeadEntry{ID: id}, err})
			case found && stillDead(t, account, now) && t.RefusedAt.Equal(at):
				page = append(page, deadReading{store.DeadEntry{ID: id, MarkedAt: at}, nil})
			}
			next = bytes.Clone(key)
			key, _ = cursor.Prev()
		}
		return page, next
	})
}

// DeadUndated implements store.DeadTransactions.
func (x *Transactions) DeadUndated(ctx context.Context, account string, now time.Time) iter.Seq2[store.DeadEntry, error] {
	return x.deadPages(ctx, nil, func(in table, from []byte) (page []deadReading, next []byte) {
		cursor := in.Bucket(transactionsBucket).Cursor()
		key, data := cursor.Seek(from)
		for range deadPage {
			if key == nil {
				return page, nil
			}
			switch t, err := decodeTransaction(number(key), data); {
			case err != nil:
				page = append(page, deadReading{store.DeadEntry{ID: number(key)}, err})
			case stillDead(t, account, now) && t.RefusedAt.IsZero():
				page = append(page, deadReading{store.DeadEntry{ID: t.ID}, nil})
			}
			key, data = cursor.Next()
		}
		return page, bytes.Clone(key)
	})
}

func stillDead(t store.Transaction, account string, now time.Time) bool {
	return t.Account == account && t.Status == store.StatusDead && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(now))
}

// deadPages yields the pages that read returns, each from a transaction of its own. read gets the
// end of the page before, or start, and returns nil at the end.
func (x *Transactions) deadPages(
	ctx context.Context, start []byte, read func(in table, from []byte) (page []deadReading, next []byte),
) iter.Seq2[store.DeadEntry, error] {
	return func(yield func(store.DeadEntry, error) bool) {
		for from, more := start, true; more; more = from != nil {
			var page []deadReading
			var next []byte
			err := x.view(ctx, func(in table) error {
				page, next = read(in, from)
				return nil
			})
			from = next
			if err != nil {
				yield(store.DeadEntry{}, err)
				return
			}
			for _, one := range page {
				if !yield(one.DeadEntry, one.err) {
					return
				}
			}
		}
	}
}
