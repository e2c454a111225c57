package hometest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// puts: a record replaces all of an earlier one. One that a clock far ahead has sent stands against
// nothing.
func (x transactionsContract) puts(t *testing.T) {
	type step struct {
		at       time.Time
		recorded bool
	}
	ahead := after(0).Add(store.MaxAhead) // as far as a clock may be ahead
	for name, steps := range map[string][]step{
		"the newer wins":         {{after(-60), true}, {after(-59), true}},
		"the older does not":     {{after(-60), true}, {after(-61), false}},
		"the same time":          {{after(-60), true}, {after(-60), true}},
		"over one without":       {{time.Time{}, true}, {time.Time{}, true}, {epoch, true}},
		"over one in the future": {{ahead, true}, {after(-60), false}, {ahead.Add(time.Second), true}, {after(-60), true}},
		"over one far ahead":     {{after(0).AddDate(50, 0, 0), true}, {time.Time{}, true}},
	} {
		t.Run(name, func(t *testing.T) {
			full, stands := fullTransaction(idIn(0)), store.Transaction{}
			for i, step := range steps {
				record := full
				if i%2 > 0 {
					record = store.Transaction{ID: full.ID, Account: full.Account, Status: store.StatusActive}
				}
				record.RefreshToken, record.RecordedAt = secret.New(fmt.Sprint(i)), step.at
				x.put(t, record, step.recorded)
				if step.recorded {
					x.put(t, record, true) // messages come twice
					stands = record
				}
				x.want(t, stands)
			}
		})
	}
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
