package sweep_test

import (
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// markedDead is a row that was marked dead two minutes ago.
func markedDead(r *store.Transaction) {
	r.Status, r.RefreshAt, r.Failures, r.RefusedAt = store.StatusDead, time.Time{}, 1, in(-2*time.Minute)
}

func TestRevive(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		row    func(*store.Transaction)
		before func(op, about string) error
		dryRun bool
		want   sweep.Revival
		says   string
	}{
		"dead":                       {row: markedDead, want: sweep.Revived},
		"marked by an older release": {row: func(r *store.Transaction) { markedDead(r); r.RefusedAt = time.Time{} }, want: sweep.Revived},
		"dry run":                    {row: markedDead, dryRun: true, want: sweep.WouldRevive},
		"alive":                      {row: dueLater, want: sweep.NotDead},
		"completed":                  {row: func(r *store.Transaction) { markedDead(r); r.Status = store.StatusCompleted }, want: sweep.NotDead},
		"ended":                      {row: func(r *store.Transaction) { markedDead(r); r.ExpiresAt = in(0) }, want: sweep.NotDead},
		"without an end":             {row: func(r *store.Transaction) { markedDead(r); r.ExpiresAt = time.Time{} }, want: sweep.Revived},
		"of another account": {
			row: func(r *store.Transaction) { markedDead(r); r.Account = "other" }, want: sweep.NotRevived, says: "it is of account other",
		},
		"without a refresh token": {
			row: func(r *store.Transaction) { markedDead(r); r.RefreshToken = secret.String{} }, want: sweep.NotRevived, says: "record it again",
		},
		"the store fails":          {row: markedDead, before: failing(opUpdate, errPassing), want: sweep.NotRevived, says: "passing trouble"},
		"the store fails at first": {row: markedDead, before: failingFirst(opUpdate, 2), want: sweep.Revived},
		"it cannot be read":        {row: markedDead, before: failing(opGet, errPassing), want: sweep.NotRevived, says: "passing trouble"},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			want := w.add(id, tt.row)
			w.Before = tt.before
			got := w.engine().Revive(t.Context(), account, []int64{id}, tt.dryRun)[0]
			assert.Assert(t, got.Revival == tt.want && got.TransactionID == id && (got.Err != nil) == (tt.says != ""),
				"%+v", got)
			if got.Err != nil && !strings.Contains(got.Err.Error(), tt.says) {
				t.Errorf("it says %q", got.Err)
			}
			w.Before = nil
			if tt.want != sweep.Revived {
				equal(t, "row", w.row(id), want)
				return
			}
			want.Status, want.RefreshAt, want.Failures, want.RefusedAt = store.StatusActive, in(0), 0, time.Time{}
			equal(t, "row", w.row(id), want)
			wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
		})
	}
}

// A row that is recorded again while it is revived stays as it was recorded.
func TestReviveOfARowRecordedMeanwhile(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id, markedDead)
		var newer store.Transaction
		w.After = func(op, _ string) error {
			if op == opGet {
				newer = w.add(id, func(r *store.Transaction) { r.RefreshToken, r.Status = secret.New("newer"), store.StatusCompleted })
			}
			return nil
		}
		equal(t, "revival", w.engine().Revive(t.Context(), account, []int64{id}, false)[0].Revival, sweep.NotDead)
		equal(t, "row", w.row(id), newer)
	})
}

// Many are revived side by side, each with a result of its own; those that are refused again
// are dead again.
func TestReviveMany(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addMany(100, markedDead)
		w.setLedger(account, healthy())
		for i, one := range w.engine().Revive(t.Context(), account, ids(1, 100), false) {
			assert.Assert(t, one.TransactionID == int64(i+1) && one.Revival == sweep.Revived, "%+v", one)
		}
		w.refusing(func(id int) bool { return id <= 10 })
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Refreshed: 90, outcome.Dead: 10})
	})
}

// The waits start again after the provider has accepted the credentials.
func TestWaitsOfCredentialsBeginAnew(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.healthyWith(3)
		w.Reply = always(providers.Misconfigured)
		w.run(t, sweep.Request{})
		equal(t, "wait", w.ledgerRow(account).RefreshAt, in(time.Hour))
		time.Sleep(time.Hour)
		w.Reply = nil
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Refreshed: 3})
		w.Reply = always(providers.Misconfigured)
		time.Sleep(time.Hour)
		w.run(t, sweep.Request{})
		equal(t, "wait", w.ledgerRow(account).RefreshAt, in(3*time.Hour))
	})
}
