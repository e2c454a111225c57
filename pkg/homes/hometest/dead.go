package hometest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"tokenrefresh/pkg/store"
)

// DeadStore is a store of transactions that finds its dead ones.
type DeadStore interface {
	store.Transactions
	store.DeadTransactions
}

// DeadTransactions tests the contract of store.DeadTransactions.
func DeadTransactions(t *testing.T, store DeadStore) {
	t.Helper()
	x := deadContract{transactionsContract{store}, store}
	inParallel(t, map[string]func(*testing.T){
		"the latest first, within the span":             x.order,
		"more than a page":                              x.pages,
		"no row past its expiry":                        x.expired,
		"apart by account and shard, and from due rows": x.apart,
		"follows update and put":                        x.follows,
		"rows without a time":                           x.undated,
		"a consumer that stops early":                   x.stops,
		"a cancelled call is an error":                  x.cancelled,
	})
}

type deadContract struct {
	transactionsContract
	store DeadStore
}

// deadRow is a row of a shard that was marked dead then; the zero time: by an older release.
func deadRow(account string, shard int, markedAt time.Time) store.Transaction {
	row := fullTransaction(idIn(shard))
	row.Account, row.Status, row.RefreshAt, row.RefusedAt = account, store.StatusDead, time.Time{}, markedAt
	return row
}

func (x deadContract) put(t *testing.T, rows ...store.Transaction) {
	t.Helper()
	for _, row := range rows {
		x.transactionsContract.put(t, row, true)
	}
}

func (x deadContract) want(t *testing.T, account string, shard int, span store.Span, want ...store.Transaction) {
	t.Helper()
	var got, entries []store.DeadEntry
	for entry, err := range x.store.Dead(t.Context(), account, shard, span, epoch) {
		must(t, err)
		got = append(got, entry)
	}
	for _, row := range want {
		entries = append(entries, store.DeadEntry{ID: row.ID, MarkedAt: row.RefusedAt})
	}
	equal(t, "dead", got, entries)
}

func (x deadContract) wantUndated(t *testing.T, account string, want ...store.Transaction) {
	t.Helper()
	var got, ids []int64
	for entry, err := range x.store.DeadUndated(t.Context(), account, epoch) {
		must(t, err)
		equal(t, "time", entry.MarkedAt, time.Time{})
		got = append(got, entry.ID)
	}
	for _, row := range want {
		ids = append(ids, row.ID)
	}
	slices.Sort(got)
	slices.Sort(ids)
	equal(t, "dead without a time", got, ids)
}

func (x deadContract) order(t *testing.T) {
	account, shard := unique("acct"), 3
	var rows []store.Transaction // over a change of year and of digits
	for _, at := range []time.Time{after(40_000_000), after(100), after(10), after(0), after(-9), after(-40_000_000)} {
		rows = append(rows, deadRow(account, shard, at))
	}
	for i := range rows { // put in another order
		x.put(t, rows[(i*5+2)%len(rows)])
	}
	x.want(t, account, shard, store.Span{}, rows...)
	x.want(t, account, shard, store.Span{From: after(0)}, rows[:4]...)
	x.want(t, account, shard, store.Span{Until: after(10)}, rows[3:]...)
	x.want(t, account, shard, store.Span{From: after(-9), Until: after(100)}, rows[2:5]...)
	inAnotherZone := after(10).In(time.FixedZone("", 7200))
	x.want(t, account, shard, store.Span{From: after(-9).Add(time.Millisecond), Until: inAnotherZone}, rows[3])
	x.want(t, account, shard, store.Span{From: after(5), Until: after(5)})
	x.want(t, account, shard, store.Span{From: after(5), Until: after(-5)})
	x.wantUndated(t, account)
}

func (x deadContract) pages(t *testing.T) {
	account, shard := unique("acct"), 4
	var rows []store.Transaction
	for i := range 1100 {
		rows = append(rows, deadRow(account, shard, after(-i/3))) // several in one second
	}
	must(t, errors.Join(race(contenders, func(i int) (err error) {
		for ; i < len(rows) && err == nil; i += contenders {
			_, err = x.store.Put(t.Context(), rows[i], after(0))
		}
		return err
	})...))
	seen := map[int64]bool{}
	last := after(1)
	for entry, err := range x.store.Dead(t.Context(), account, shard, store.Span{}, epoch) {
		must(t, err)
		if seen[entry.ID] || entry.MarkedAt.After(last) {
			t.Fatalf("%d of %v comes twice or after %v", entry.ID, entry.MarkedAt, last)
		}
		seen[entry.ID], last = true, entry.MarkedAt
	}
	equal(t, "rows", len(seen), len(rows))
}

func (x deadContract) expired(t *testing.T) {
	account, shard := unique("acct"), 5
	old, undated := deadRow(account, shard, after(-5)), deadRow(account, shard, time.Time{})
	old.ExpiresAt, undated.ExpiresAt = after(-1), after(0)
	kept, keptUndated := deadRow(account, shard, after(-6)), deadRow(account, shard, time.Time{})
	kept.ExpiresAt, keptUndated.ExpiresAt = after(1), time.Time{}
	x.put(t, old, undated, kept, keptUndated)
	x.want(t, account, shard, store.Span{}, kept)
	x.wantUndated(t, account, keptUndated)
}

func (x deadContract) apart(t *testing.T) {
	rows := map[string][]store.Transaction{}
	for _, name := range []string{unique("acct"), unique("acct")} {
		for shard := range store.Shards {
			row := deadRow(name, shard, after(shard))
			rows[name] = append(rows[name], row)
			alive := fullTransaction(idIn(shard)) // refused before, and alive
			alive.Account, alive.RefreshAt = name, after(shard)
			x.put(t, row, alive)
			x.wantDue(t, name, shard, 10, alive)
		}
		done := deadRow(name, 0, after(0))
		done.Status = store.StatusCompleted
		x.put(t, done)
	}
	for name, rows := range rows {
		for shard, row := range rows {
			x.want(t, name, shard, store.Span{}, row)
		}
		x.wantUndated(t, name)
	}
}

func (x deadContract) follows(t *testing.T) {
	account, shard := unique("acct"), 6
	row := fullTransaction(idIn(shard))
	row.Account = account
	x.put(t, row)
	x.want(t, account, shard, store.Span{})

	dead := row
	dead.Status, dead.RefreshAt, dead.RefusedAt = store.StatusDead, time.Time{}, after(7)
	must(t, x.store.Update(t.Context(), dead, row.RefreshToken))
	x.want(t, account, shard, store.Span{}, dead)
	x.transactionsContract.want(t, dead)

	row.Refusals, row.RefusedAt = 0, time.Time{}
	must(t, x.store.Update(t.Context(), row, row.RefreshToken))
	x.want(t, account, shard, store.Span{})
	x.wantDue(t, account, shard, 10, row)

	dead.RefusedAt = after(9)
	must(t, x.store.Update(t.Context(), dead, row.RefreshToken))
	x.want(t, account, shard, store.Span{}, dead)
	recorded := row
	recorded.RecordedAt = row.RecordedAt.Add(time.Second)
	x.put(t, recorded)
	x.want(t, account, shard, store.Span{})
}

func (x deadContract) undated(t *testing.T) {
	account := unique("acct")
	var rows []store.Transaction
	for shard := range store.Shards {
		rows = append(rows, deadRow(account, shard, time.Time{}))
	}
	x.put(t, rows...)
	x.wantUndated(t, account, rows...)
	for shard := range store.Shards {
		x.want(t, account, shard, store.Span{})
	}
}

func (x deadContract) stops(t *testing.T) {
	account := unique("acct")
	x.put(t, deadRow(account, 0, after(0)), deadRow(account, 0, after(1)))
	x.put(t, deadRow(account, 0, time.Time{}), deadRow(account, 1, time.Time{}))
	for what, entries := range x.both(t.Context(), account) {
		count := 0
		for _, err := range entries {
			must(t, err)
			count++
			break
		}
		equal(t, what, count, 1)
	}
}

// both are the sequences of the dead rows of an account, in shard 0 and without a time.
func (x deadContract) both(ctx context.Context, account string) map[string]iter.Seq2[store.DeadEntry, error] {
	return map[string]iter.Seq2[store.DeadEntry, error]{
		"dead":    x.store.Dead(ctx, account, 0, store.Span{}, epoch),
		"undated": x.store.DeadUndated(ctx, account, epoch),
	}
}

func (x deadContract) cancelled(t *testing.T) {
	account := unique("acct")
	x.put(t, deadRow(account, 0, after(0)), deadRow(account, 0, time.Time{}))
	for what, entries := range x.both(cancelled(t), account) {
		count := 0
		for _, err := range entries {
			count++
			wantPassing(t, map[string]error{what: err})
		}
		equal(t, what, count, 1)
	}
}
