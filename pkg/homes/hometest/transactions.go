package hometest

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Transactions tests the contract of store.Transactions.
func Transactions(t *testing.T, store store.Transactions) {
	t.Helper()
	x := transactionsContract{store}
	inParallel(t, map[string]func(*testing.T){
		"no row":                                                   x.noRow,
		"every field round-trips":                                  x.roundTrip,
		"times are kept to the second, in UTC":                     x.times,
		"many rows in one call":                                    x.many,
		"ids of more than 32 bits":                                 x.bigIDs,
		"put: by the time of the record":                           x.puts,
		"put: the newest of many wins":                             x.putRace,
		"update stores what a refresh changes and nothing else":    x.update,
		"update keeps a new refresh token":                         x.updateRotates,
		"update again with the same refresh token":                 x.updateAgain,
		"update of a row that has changed":                         x.updateChanged,
		"update of a row that is gone":                             x.updateGone,
		"one of many updates wins":                                 x.updateRace,
		"due: in order, up to the limit":                           x.dueOrder,
		"due: sparse":                                              x.dueSparse,
		"due: no row past its expiry, and none hidden behind them": x.dueExpired,
		"due: apart by account and shard":                          x.dueApart,
		"due: follows update and put":                              x.dueFollows,
		"a cancelled call is no verdict":                           x.cancelled,
	})
}

type transactionsContract struct{ store store.Transactions }

// epoch is when the tests take place: late enough that no store deletes a row
// because it has expired.
var epoch = time.Date(2096, 3, 1, 12, 0, 0, 0, time.UTC)

func after(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// drawn counts the ids that were drawn from firstID on: a random place where a
// store that was used before has hardly been.
var (
	firstID = 1<<53 + 2*rand.Int64N(1<<60) //nolint:gosec // no secret
	drawn   atomic.Int64
)

// idIn makes a new, even id of a shard.
func idIn(shard int) int64 {
	for {
		if id := firstID + 2*drawn.Add(1); store.ShardOf(id) == shard {
			return id
		}
	}
}

// fullTransaction has a value in every field.
func fullTransaction(id int64) store.Transaction {
	row := store.Transaction{
		ID: id, Account: unique("acct"), RefreshToken: secret.New("refresh"), AccessToken: secret.New("access <é😀>"),
		ClientToken: secret.New("client\n"), CustomerUID: "customer-ü", Status: store.StatusActive,
		RecordedAt: after(-60), RefreshAt: after(1800), ExpiresAt: after(86_400), RefusedAt: after(-3600),
	}
	fill(&row, epoch, time.Hour)
	return row
}

func (x transactionsContract) put(t *testing.T, row store.Transaction, wantRecorded bool) {
	t.Helper()
	recorded, err := x.store.Put(t.Context(), row, after(0))
	must(t, err)
	equal(t, "recorded", recorded, wantRecorded)
}

// stored puts a full row.
func (x transactionsContract) stored(t *testing.T) store.Transaction {
	t.Helper()
	row := fullTransaction(idIn(0))
	x.put(t, row, true)
	return row
}

func (x transactionsContract) want(t *testing.T, want store.Transaction) {
	t.Helper()
	got, found, err := x.store.Get(t.Context(), want.ID)
	must(t, err)
	equal(t, "found", found, true)
	equal(t, "row", got, want)
}

func (x transactionsContract) wantNone(t *testing.T, id int64) {
	t.Helper()
	row, found, err := x.store.Get(t.Context(), id)
	must(t, err)
	equal(t, "found", found, false)
	equal(t, "row", row, store.Transaction{})
}

func (x transactionsContract) wantDue(t *testing.T, account string, shard, limit int, want ...store.Transaction) {
	t.Helper()
	got, err := x.store.Due(t.Context(), account, shard, limit, epoch)
	must(t, err)
	var entries []store.Due
	for _, row := range want {
		entries = append(entries, store.Due{
			ID: row.ID, RefreshAt: row.RefreshAt, AccessExpiresAt: row.AccessExpiresAt, Failures: row.Failures,
		})
	}
	equal(t, "due", got, entries)
}

func (x transactionsContract) noRow(t *testing.T) {
	x.wantNone(t, idIn(0))
	x.wantDue(t, unique("acct"), 0, 10)
}

func (x transactionsContract) roundTrip(t *testing.T) {
	full := fullTransaction(idIn(1))
	x.put(t, full, true)
	x.want(t, full)

	for _, status := range []store.Status{store.StatusCompleted, store.StatusDeleted, store.StatusDead} {
		row := fullTransaction(idIn(1))
		row.Status, row.RefreshAt = status, time.Time{}
		x.put(t, row, true)
		x.want(t, row)
	}

	least := store.Transaction{ID: idIn(1), Account: unique("acct"), RefreshToken: secret.New("refresh"), Status: store.StatusActive}
	x.put(t, least, true)
	x.want(t, least)
}

func (x transactionsContract) times(t *testing.T) {
	row := fullTransaction(idIn(2))
	instant := time.Date(2096, 3, 1, 2, 30, 0, 987_654_321, time.FixedZone("", 3*60*60))
	row.AccessExpiresAt, row.RecordedAt, row.RefreshAt, row.ExpiresAt = instant, instant, instant, instant.Add(24*time.Hour)
	row.RefusedAt = instant
	x.put(t, row, true)
	kept := time.Date(2096, 2, 29, 23, 30, 0, 0, time.UTC)
	row.AccessExpiresAt, row.RecordedAt, row.RefreshAt, row.ExpiresAt = kept, kept, kept, kept.Add(24*time.Hour)
	row.RefusedAt = kept
	x.want(t, row)
	x.wantDue(t, row.Account, 2, 10, row)
}

// bigIDs: neighbours that are one number as a float64, or in their lower 32 bits.
func (x transactionsContract) bigIDs(t *testing.T) {
	id := idIn(0)
	var rows []store.Transaction
	for _, id := range []int64{id, id + 1, id + 1<<32} {
		row := fullTransaction(id)
		x.put(t, row, true)
		rows = append(rows, row)
	}
	for _, row := range rows {
		x.want(t, row)
	}
}

// many: existing rows, one that does not exist, and one asked for twice; more than any store reads
// at once.
func (x transactionsContract) many(t *testing.T) {
	first, second, none := x.stored(t), x.stored(t), idIn(0)
	ids := []int64{second.ID, none, first.ID, second.ID}
	want := map[int64]store.Read{
		first.ID: {Transaction: first, Found: true}, second.ID: {Transaction: second, Found: true}, none: {},
	}
	for len(ids) < 250 {
		id := idIn(1)
		ids = append(ids, id)
		want[id] = store.Read{}
	}
	got, err := x.store.GetMany(t.Context(), ids)
	must(t, err)
	equal(t, "rows", got, want)
	got, err = x.store.GetMany(t.Context(), nil)
	must(t, err)
	equal(t, "rows of no ids", len(got), 0)
}

func (x transactionsContract) cancelled(t *testing.T) {
	row := x.stored(t)
	ctx, errs := cancelled(t), map[string]error{}
	_, _, errs["get"] = x.store.Get(ctx, row.ID)
	_, errs["get many"] = x.store.GetMany(ctx, []int64{row.ID})
	_, errs["due"] = x.store.Due(ctx, row.Account, 0, 10, epoch)
	_, errs["put"] = x.store.Put(ctx, store.Transaction{ID: row.ID, RecordedAt: after(0)}, after(0))
	errs["update"] = x.store.Update(ctx, store.Transaction{ID: row.ID}, row.RefreshToken)
	wantPassing(t, errs)
	x.want(t, row)
}
