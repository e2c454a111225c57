package hometest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func (x transactionsContract) putNewer(t *testing.T) {
	row := x.stored(t)
	newer := store.Transaction{
		ID: row.ID, Account: row.Account, RefreshToken: secret.New("newer"), Status: store.StatusActive,
		RecordedAt: row.RecordedAt.Add(time.Second),
	}
	x.put(t, newer, true)
	x.want(t, newer) // whole: nothing of the older one is left
}

func (x transactionsContract) putOlder(t *testing.T) {
	row := x.stored(t)
	older := fullTransaction(row.ID)
	older.RefreshToken, older.RecordedAt = secret.New("older"), row.RecordedAt.Add(-time.Second)
	x.put(t, older, false)
	x.want(t, row)
}

// putOverFuture: a row that a clock years ahead has recorded stands against nothing.
func (x transactionsContract) putOverFuture(t *testing.T) {
	row := x.stored(t)
	row.RecordedAt = after(0).Add(store.MaxAhead)
	x.put(t, row, true)
	now := fullTransaction(row.ID)
	x.put(t, now, false) // that much a clock may be ahead
	row.RecordedAt = after(0).Add(store.MaxAhead + time.Second)
	x.put(t, row, true)
	x.put(t, now, true)
	x.want(t, now)
	row.RecordedAt = after(0).AddDate(50, 0, 0)
	x.put(t, row, true)
	now.RecordedAt = time.Time{}
	x.put(t, now, true)
	x.want(t, now)
}

func (x transactionsContract) putAgain(t *testing.T) {
	row := x.stored(t)
	x.put(t, row, true)
	x.want(t, row)
	row.CustomerUID = "corrected"
	x.put(t, row, true)
	x.want(t, row)
}

func (x transactionsContract) putOverTimeless(t *testing.T) {
	row := fullTransaction(idIn(0))
	row.RecordedAt = time.Time{}
	x.put(t, row, true)
	x.put(t, row, true)
	row.RecordedAt = epoch
	x.put(t, row, true)
	x.want(t, row)
}

func (x transactionsContract) putRace(t *testing.T) {
	row := fullTransaction(idIn(0))
	record := func(i int) store.Transaction {
		record := row
		record.RefreshToken, record.RecordedAt = secret.New(fmt.Sprint(i)), after(i)
		return record
	}
	must(t, errors.Join(race(contenders, func(i int) error {
		_, err := x.store.Put(t.Context(), record(i), after(0))
		return err
	})...))
	x.want(t, record(contenders-1))
}

// refreshed is row after a refresh that changed all that a refresh may change.
func refreshed(row store.Transaction) store.Transaction {
	row.AccessToken, row.ClientToken = secret.New("new access"), secret.New("new client")
	row.AccessExpiresAt, row.RefreshAt = after(7200), after(5400)
	row.Status, row.Failures = store.StatusActive, 0
	row.Refusals, row.RefusedAt = 0, time.Time{}
	return row
}

func (x transactionsContract) update(t *testing.T) {
	row := x.stored(t)
	want := refreshed(row)
	given := want
	given.CustomerUID, given.RecordedAt, given.ExpiresAt = "", after(99), time.Time{}
	must(t, x.store.Update(t.Context(), given, row.RefreshToken))
	x.want(t, want)

	dead := want
	dead.Status, dead.Failures = store.StatusDead, 9
	dead.Refusals, dead.RefusedAt = 3, after(-1)
	dead.RefreshAt, dead.AccessExpiresAt = time.Time{}, time.Time{}
	dead.AccessToken, dead.ClientToken = secret.String{}, secret.String{}
	must(t, x.store.Update(t.Context(), dead, row.RefreshToken))
	x.want(t, dead)
}

func (x transactionsContract) updateRotates(t *testing.T) {
	row := x.stored(t)
	next := refreshed(row)
	next.RefreshToken = secret.New("rotated")
	must(t, x.store.Update(t.Context(), next, row.RefreshToken))
	x.want(t, next)

	wantError(t, "update", x.store.Update(t.Context(), row, row.RefreshToken), store.ErrChanged)
	x.want(t, next)
	next.RefreshToken = secret.New("rotated again")
	must(t, x.store.Update(t.Context(), next, secret.New("rotated")))
	x.want(t, next)
}

func (x transactionsContract) updateAgain(t *testing.T) {
	row := x.stored(t)
	for i := range 3 {
		next := refreshed(row)
		next.AccessToken = secret.New(fmt.Sprint("access ", i))
		must(t, x.store.Update(t.Context(), next, row.RefreshToken))
		x.want(t, next)
	}
}

func (x transactionsContract) updateChanged(t *testing.T) {
	row := x.stored(t)
	newer := fullTransaction(row.ID)
	newer.RefreshToken, newer.RecordedAt = secret.New("newer"), row.RecordedAt.Add(time.Second)
	x.put(t, newer, true)
	wantError(t, "update", x.store.Update(t.Context(), refreshed(row), row.RefreshToken), store.ErrChanged)
	wantError(t, "update", x.store.Update(t.Context(), refreshed(newer), secret.New("Newer")), store.ErrChanged)
	x.want(t, newer)
}

func (x transactionsContract) updateGone(t *testing.T) {
	row := fullTransaction(idIn(0))
	wantError(t, "update", x.store.Update(t.Context(), row, row.RefreshToken), store.ErrChanged)
	x.wantNone(t, row.ID)
	x.wantDue(t, row.Account, 0, 10)
}

func (x transactionsContract) updateRace(t *testing.T) {
	row := x.stored(t)
	next := func(i int) store.Transaction {
		next := refreshed(row)
		next.RefreshToken = secret.New(fmt.Sprint("rotated ", i))
		return next
	}
	errs := race(contenders, func(i int) error { return x.store.Update(t.Context(), next(i), row.RefreshToken) })
	winner, losers := onlyWinner(t, errs)
	for _, err := range losers {
		wantError(t, "update", err, store.ErrChanged)
	}
	x.want(t, next(winner))
}
