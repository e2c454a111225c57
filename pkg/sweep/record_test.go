package sweep_test

import (
	"errors"
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

// record stores one record and wants that outcome.
func (w *world) record(t *testing.T, r sweep.Record, want outcome.Outcome) sweep.Recorded {
	t.Helper()
	got := w.engine().Record(t.Context(), []sweep.Record{r})
	assert.Assert(t, len(got) == 1 && got[0].Outcome == want && got[0].TransactionID == r.TransactionID,
		"recorded %+v, want %s", got, want)
	return got[0]
}

func TestRecord(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		now := time.Now().UTC()
		w.record(t, sweep.Record{TransactionID: id, RefreshToken: secret.New("rt"), CustomerUID: "customer"}, outcome.Recorded)
		want := store.Transaction{
			ID: id, Account: account, RefreshToken: secret.New("rt"), CustomerUID: "customer", Status: store.StatusActive,
			RecordedAt: now, RefreshAt: now, ExpiresAt: now.Add(30 * 24 * time.Hour),
		}
		equal(t, "row", w.row(id), want)
		equal(t, "calls", w.counted(), map[string]int{opGet: 1, opPut: 1})

		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
		equal(t, "access token", w.row(id).AccessToken, secret.New("new"))

		recordedAt, expiresAt := now.Add(time.Minute), now.Add(time.Hour)
		w.record(t, sweep.Record{
			TransactionID: 7, RefreshToken: secret.New("rt-7"), Account: "other", RecordedAt: recordedAt, ExpiresAt: expiresAt,
		}, outcome.Recorded)
		want = store.Transaction{
			ID: 7, Account: "other", RefreshToken: secret.New("rt-7"), Status: store.StatusActive,
			RecordedAt: recordedAt, RefreshAt: now, ExpiresAt: expiresAt,
		}
		equal(t, "row", w.row(7), want)
	})
}

// Sweeps find an account that no configuration names.
func TestRecordMakesItsAccountKnown(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.secrets["other"] = w.secrets[account]
		for id := range int64(2) {
			w.record(t, sweep.Record{TransactionID: id + 1, RefreshToken: secret.New("rt"), Account: "other"}, outcome.Recorded)
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.NotDue: 1, outcome.Refreshed: 2})

		w.Before = failing(opWrite, errPassing)
		w.record(t, sweep.Record{TransactionID: 3, RefreshToken: secret.New("rt"), Account: "third"}, outcome.Transient)
		equal(t, "row that no sweep would find", w.row(3), store.Transaction{})
	})
}

func TestRecordOverARow(t *testing.T) {
	t.Parallel()
	same := secret.New("rt-1099511627776")
	completed := func(r *store.Transaction) {
		r.Status, r.RefreshToken, r.RefreshAt = store.StatusCompleted, secret.String{}, time.Time{}
	}
	for name, tt := range map[string]struct {
		stored func(*store.Transaction)
		record sweep.Record
		older  bool                     // it is superseded
		after  func(*store.Transaction) // changes the row that is due at once
	}{
		"the same message again": {record: sweep.Record{RefreshToken: same, CustomerUID: "customer"}},
		"the same message again, after its refresh": {
			stored: func(r *store.Transaction) { r.RefreshAt = in(5 * time.Minute) },
			record: sweep.Record{RefreshToken: same, CustomerUID: "customer"},
			after:  func(r *store.Transaction) { r.RefreshAt = in(5 * time.Minute) },
		},
		"the same message again, without a token that is good": {
			stored: func(r *store.Transaction) { r.RefreshAt, r.AccessExpiresAt = in(5*time.Minute), in(-time.Minute) },
			record: sweep.Record{RefreshToken: same, CustomerUID: "customer"},
		},
		"another account": {
			stored: func(r *store.Transaction) { r.RefreshAt = in(5 * time.Minute) },
			record: sweep.Record{RefreshToken: same, Account: "other"},
			after:  func(r *store.Transaction) { r.Account = "other" },
		},
		"a new refresh token before it is due": {
			stored: dueLater,
			record: sweep.Record{RefreshToken: secret.New("newer")},
			after: func(r *store.Transaction) {
				r.RefreshToken, r.AccessToken, r.AccessExpiresAt = secret.New("newer"), secret.String{}, time.Time{}
			},
		},
		"the same message again while it backs off": {
			stored: func(r *store.Transaction) { dueLater(r); r.Failures = 2 },
			record: sweep.Record{RefreshToken: same},
		},
		"a new refresh token": {
			record: sweep.Record{RefreshToken: secret.New("newer"), CustomerUID: "another"},
			after: func(r *store.Transaction) {
				*r = store.Transaction{
					ID: id, Account: account, RefreshToken: secret.New("newer"), CustomerUID: "another", Status: store.StatusActive,
					RecordedAt: r.RecordedAt, RefreshAt: r.RefreshAt, ExpiresAt: r.ExpiresAt,
				}
			},
		},
		"dead, and alive again": {stored: dead, record: sweep.Record{RefreshToken: same}},
		"completed": {
			record: sweep.Record{Status: store.StatusCompleted},
			after:  completed,
		},
		"completed, with its refresh token": {
			record: sweep.Record{Status: store.StatusCompleted, RefreshToken: same},
			after:  completed,
		},
		"deleted": {
			record: sweep.Record{Status: store.StatusDeleted},
			after: func(r *store.Transaction) {
				*r = store.Transaction{
					ID: id, Account: account, CustomerUID: r.CustomerUID, Status: store.StatusDeleted, RecordedAt: r.RecordedAt, ExpiresAt: r.ExpiresAt,
				}
			},
		},
		"older than the row": {
			record: sweep.Record{RefreshToken: secret.New("older"), RecordedAt: in(-2 * time.Hour)},
			older:  true,
		},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			want := w.add(id, func(r *store.Transaction) { r.CustomerUID = "customer" }, tt.stored)
			tt.record.TransactionID = id
			if tt.older {
				w.record(t, tt.record, outcome.Superseded)
				equal(t, "row", w.row(id), want)
				return
			}
			w.record(t, tt.record, outcome.Recorded)
			now := stored(time.Now())
			want.Status, want.Failures = store.StatusActive, 0
			want.RecordedAt, want.RefreshAt, want.ExpiresAt = now, now, now.Add(30*24*time.Hour)
			if tt.after != nil {
				tt.after(&want)
			}
			equal(t, "row", w.row(id), want)
		})
	}
}

// A transaction that is completed while its refresh is under way stays so.
func TestCompletedMeanwhile(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		row := w.add(id)
		w.Reply = func(string) (providers.Tokens, error) {
			w.record(t, sweep.Record{TransactionID: id, RefreshToken: row.RefreshToken, Status: store.StatusCompleted}, outcome.Recorded)
			return fresh(), nil
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Superseded))
		equal(t, "status", w.row(id).Status, store.StatusCompleted)
	})
}

func TestRecordRefused(t *testing.T) {
	t.Parallel()
	good := sweep.Record{TransactionID: id, RefreshToken: secret.New("rt-of-the-record")}
	for name, tt := range map[string]struct {
		change func(*sweep.Record)
		says   []string
	}{
		"no id":            {func(r *sweep.Record) { r.TransactionID = 0 }, []string{"transaction_id"}},
		"negative id":      {func(r *sweep.Record) { r.TransactionID = -1 }, []string{"transaction_id"}},
		"no refresh token": {func(r *sweep.Record) { r.RefreshToken = secret.New(" ") }, []string{"refresh_token"}},
		"unknown status":   {func(r *sweep.Record) { r.Status = "done" }, []string{"status", "active, completed or deleted"}},
		"dead":             {func(r *sweep.Record) { r.Status = store.StatusDead }, []string{"status"}},
		"account":          {func(r *sweep.Record) { r.Account = "a/shard-1" }, []string{"account"}},
		"ttl":              {func(r *sweep.Record) { r.ExpiresAt = time.Unix(3600, 0) }, []string{"ttl", "seconds since 1970"}},
		"all at once":      {func(r *sweep.Record) { *r = sweep.Record{Account: "#"} }, []string{"transaction_id", "refresh_token", "account"}},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			r := good
			tt.change(&r)
			got := w.record(t, r, outcome.Misconfigured)
			for _, text := range tt.says {
				assert.Check(t, strings.Contains(got.Err.Error(), text), "error %q says nothing of %q", got.Err, text)
			}
			assert.Check(t, !strings.Contains(got.Err.Error(), "rt-of-the-record"), "error %q shows the token", got.Err)
			equal(t, "calls", w.counted(), map[string]int{})
		})
	}
}

// Every record is stored by itself.
func TestRecordMany(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(4, func(r *store.Transaction) { r.RecordedAt = stored(time.Now().Add(time.Minute)) })
		w.Before = func(op, about string) error {
			switch {
			case op == opPut && about == "5":
				return errPassing
			case op == opPut && about == "6":
				return store.ErrForbidden
			case op == opGet && about == "7":
				panic("a token in the panic's text")
			case op == opGet && about == "8":
				return errPassing
			}
			return nil
		}
		rt := secret.New("rt")
		var got []outcome.Outcome
		for _, r := range w.engine().Record(t.Context(), []sweep.Record{
			{TransactionID: 1, RefreshToken: rt},
			{TransactionID: 2, RefreshToken: rt},
			{TransactionID: 2, Status: store.StatusCompleted}, // after the one before
			{TransactionID: 3},
			{TransactionID: 4, RefreshToken: rt},
			{TransactionID: 5, RefreshToken: rt},
			{TransactionID: 6, RefreshToken: rt},
			{TransactionID: 7, RefreshToken: rt},
			{TransactionID: 8, RefreshToken: rt},
		}) {
			got = append(got, r.Outcome)
			assert.Check(t, (r.Err == nil) == (r.Outcome == outcome.Recorded || r.Outcome == outcome.Superseded),
				"%d: %s with error %v", r.TransactionID, r.Outcome, r.Err)
			assert.Check(t, (r.TransactionID == 7) == errors.Is(r.Err, outcome.ErrPanic),
				"%d: %v", r.TransactionID, r.Err)
		}
		equal(t, "outcomes", got, []outcome.Outcome{
			outcome.Recorded, outcome.Recorded, outcome.Recorded, outcome.Misconfigured, outcome.Superseded,
			outcome.Transient, outcome.Misconfigured, outcome.Transient, outcome.Transient,
		})
		equal(t, "status", w.row(2).Status, store.StatusCompleted)
	})
}

// A record that names no account leaves a row where it is.
func TestRecordKeepsTheAccount(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id, func(r *store.Transaction) { r.Account = "other" })
		w.record(t, sweep.Record{TransactionID: id, RefreshToken: secret.New("rt")}, outcome.Recorded)
		equal(t, "account", w.row(id).Account, "other")
		w.record(t, sweep.Record{TransactionID: id, RefreshToken: secret.New("rt"), Account: account}, outcome.Recorded)
		equal(t, "account", w.row(id).Account, account)
	})
}

// A new transaction without an account belongs to the only one there is.
func TestRecordDefaultAccount(t *testing.T) {
	t.Parallel()
	for want, accounts := range map[string][]string{"acme": {"acme"}, account: {"acme", "other"}} {
		inOwnWorld(t, want, func(t *testing.T, w *world) {
			w.Accounts = accounts
			w.engine().Record(t.Context(), []sweep.Record{{TransactionID: id, RefreshToken: secret.New("rt")}})
			equal(t, "account", w.row(id).Account, want)
		})
	}
}

func TestWithDefaults(t *testing.T) {
	t.Parallel()
	e := sweep.Engine{}.WithDefaults()
	assert.Check(t, e.Now != nil && e.Log != nil, "no clock or no log")
	equal(t, "settings", []any{e.SendTimeout, e.StoreTimeout, e.RunTimeout, e.Workers, e.KeepFor}, []any{
		10 * time.Second, 5 * time.Second, time.Minute, 32, 30 * 24 * time.Hour,
	})
	e = sweep.Engine{SendTimeout: 1, StoreTimeout: 2, RunTimeout: 3, Workers: 4, KeepFor: 5}.WithDefaults()
	equal(t, "own settings", []any{e.SendTimeout, e.StoreTimeout, e.RunTimeout, e.Workers, e.KeepFor}, []any{
		time.Duration(1), time.Duration(2), time.Duration(3), 4, time.Duration(5),
	})
}
