package hometest

import (
	"testing"
	"time"

	"tokenrefresh/pkg/store"
)

// dueRow is a row of a shard with that place in the due index.
func dueRow(account string, shard int, refreshAt time.Time) store.Transaction {
	row := fullTransaction(idIn(shard))
	row.Account, row.RefreshAt = account, refreshAt
	return row
}

func (x transactionsContract) dueOrder(t *testing.T) {
	account, shard := unique("acct"), 3
	var rows []store.Transaction // over a change of year and of digits, due already or not
	for _, at := range []time.Time{after(-40_000_000), after(-9), after(0), after(10), after(100), after(40_000_000)} {
		rows = append(rows, dueRow(account, shard, at))
	}
	for i := range rows { // put in another order
		x.put(t, rows[(i*5+2)%len(rows)], true)
	}
	x.wantDue(t, account, shard, 100, rows...)
	x.wantDue(t, account, shard, len(rows), rows...)
	x.wantDue(t, account, shard, 2, rows[:2]...)
	x.wantDue(t, account, shard, 1, rows[0])
}

func (x transactionsContract) dueSparse(t *testing.T) {
	account, shard := unique("acct"), 4
	for _, status := range []store.Status{store.StatusActive, store.StatusCompleted, store.StatusDeleted, store.StatusDead} {
		x.put(t, dueRow(account, shard, time.Time{}), true)
		if status == store.StatusActive {
			continue
		}
		row := dueRow(account, shard, after(1)) // a terminal row is not in the index, whatever its RefreshAt
		row.Status = status
		x.put(t, row, true)
	}
	x.wantDue(t, account, shard, 100)
}

func (x transactionsContract) dueExpired(t *testing.T) {
	account, shard := unique("acct"), 5
	for i := range 5 {
		row := dueRow(account, shard, after(-100-i))
		row.ExpiresAt = after(-1)
		x.put(t, row, true)
	}
	first, second := dueRow(account, shard, after(-2)), dueRow(account, shard, after(-1))
	second.ExpiresAt = time.Time{} // never
	x.put(t, first, true)
	x.put(t, second, true)
	x.wantDue(t, account, shard, 2, first, second)
	x.wantDue(t, account, shard, 1, first)
}

func (x transactionsContract) dueApart(t *testing.T) {
	account := unique("acct")
	rows := map[string][]store.Transaction{}
	for _, account := range []string{account, account + "-2", account + "#1", account + "/1"} {
		for shard := range store.Shards {
			row := dueRow(account, shard, after(shard))
			x.put(t, row, true)
			rows[account] = append(rows[account], row)
		}
	}
	for account, rows := range rows {
		for shard, row := range rows {
			x.wantDue(t, account, shard, 100, row)
		}
	}
}

func (x transactionsContract) dueFollows(t *testing.T) {
	account, shard := unique("acct"), 6
	row, other := dueRow(account, shard, after(10)), dueRow(account, shard, after(20))
	x.put(t, row, true)
	x.put(t, other, true)
	x.wantDue(t, account, shard, 10, row, other)

	row.RefreshAt, row.AccessExpiresAt = after(30), after(40)
	must(t, x.store.Update(t.Context(), row, row.RefreshToken))
	x.wantDue(t, account, shard, 10, other, row)

	row.RefreshAt, row.RecordedAt = after(5), row.RecordedAt.Add(time.Second)
	x.put(t, row, true)
	x.wantDue(t, account, shard, 10, row, other)

	stale := row
	stale.RefreshAt, stale.RecordedAt = after(99), row.RecordedAt.Add(-time.Second)
	x.put(t, stale, false)
	x.wantDue(t, account, shard, 10, row, other)

	gone := row
	gone.Status, gone.RefreshAt = store.StatusDead, time.Time{}
	must(t, x.store.Update(t.Context(), gone, row.RefreshToken))
	x.wantDue(t, account, shard, 10, other)

	must(t, x.store.Update(t.Context(), row, row.RefreshToken))
	x.wantDue(t, account, shard, 10, row, other)

	moved := row
	moved.Account = account + "-2"
	x.put(t, moved, true)
	x.wantDue(t, account, shard, 10, other)
	x.wantDue(t, account+"-2", shard, 10, moved)
}
