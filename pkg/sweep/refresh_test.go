package sweep_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

const id = 1 << 40

// TestRow runs one row through every way in which it can end.
func TestRow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		row    func(*store.Transaction)
		reply  func(token string) (providers.Tokens, error)
		before func(op, about string) error
		req    sweep.Request

		want  outcome.Outcome // empty: refreshed, by one call or so many
		calls int             // of the provider
		// after changes the row as it was into the row as it should be; nil: not, or into a refreshed one.
		after func(row *store.Transaction)
	}{
		"due":                          {},
		"recorded and never refreshed": {row: func(r *store.Transaction) { r.AccessToken, r.AccessExpiresAt = secret.String{}, time.Time{} }},
		"good again after failures":    {row: func(r *store.Transaction) { r.Failures = 3 }},
		"the reply carries a new refresh token": {
			reply: replying(func(tokens *providers.Tokens) { tokens.RefreshToken = secret.New("rotated") }),
			after: func(r *store.Transaction) { refreshed(r); r.RefreshToken = secret.New("rotated") },
		},
		"the reply carries a blank refresh token": {
			reply: replying(func(tokens *providers.Tokens) { tokens.RefreshToken = secret.New(" ") }),
		},
		"the reply's new refresh token cannot be read": {
			reply: func(string) (providers.Tokens, error) {
				e, tokens := fail(providers.Unknown), fresh()
				e.Status, e.Partial = 200, &tokens
				return providers.Tokens{}, e
			},
		},
		"an unusable lifetime is no hot loop": {
			reply: replying(func(tokens *providers.Tokens) { tokens.AccessExpiresAt = tokens.IssuedAt }),
			after: func(r *store.Transaction) {
				refreshed(r)
				r.AccessExpiresAt = stored(time.Now())
				r.RefreshAt = stored(time.Now().Add(10 * time.Minute))
			},
		},
		"the last refresh before its end": {
			row:   func(r *store.Transaction) { r.ExpiresAt = stored(time.Now().Add(lifetime / 2)) },
			after: func(r *store.Transaction) { refreshed(r); r.RefreshAt = time.Time{} },
		},
		"due again before its end": {row: func(r *store.Transaction) { r.ExpiresAt = stored(time.Now().Add(lifetime)) }},
		"a back-off beyond its end": {
			row:   func(r *store.Transaction) { r.ExpiresAt = stored(time.Now().Add(30 * time.Second)) },
			reply: always(providers.Unknown),
			want:  outcome.Transient, calls: 3,
			after: func(r *store.Transaction) { r.RefreshAt, r.Failures = time.Time{}, 1 },
		},
		"refused": {
			reply: always(providers.Refused), want: outcome.Dead, calls: 1,
			after: func(r *store.Transaction) {
				r.Status, r.RefreshAt, r.Failures, r.RefusedAt = store.StatusDead, time.Time{}, 1, stored(time.Now())
			},
		},
		"not sent": {reply: always(providers.NotSent), want: outcome.Transient, calls: 3, after: backedOff(1, time.Minute)},
		"unknown, and nobody classified it": {
			reply: func(string) (providers.Tokens, error) { return providers.Tokens{}, errPassing },
			row:   func(r *store.Transaction) { r.Failures = 2 },
			want:  outcome.Transient, calls: 3, after: backedOff(3, 4*time.Minute),
		},
		"the back-off ends at five minutes": {
			reply: always(providers.Unknown),
			row:   func(r *store.Transaction) { r.Failures = 40 },
			want:  outcome.Transient, calls: 3, after: backedOff(41, 5*time.Minute),
		},
		"the back-off never skips the last attempt": {
			reply: always(providers.TurnedAway),
			row:   func(r *store.Transaction) { r.Failures, r.AccessExpiresAt = 40, in(4*time.Minute+15*time.Second) },
			want:  outcome.Misconfigured, calls: 1,
			after: func(r *store.Transaction) { r.Failures, r.RefreshAt = 41, in(3*time.Minute) },
		},
		"turned away":               {reply: always(providers.TurnedAway), want: outcome.Misconfigured, calls: 1, after: backedOff(1, time.Minute)},
		"perhaps refused":           {reply: always(providers.MaybeRefused), want: outcome.Misconfigured, calls: 1, after: backedOff(1, time.Minute)},
		"good again after refusals": {row: func(r *store.Transaction) { r.Failures, r.Refusals, r.RefusedAt = 3, 2, in(-time.Hour) }},
		"good at the third try":     {reply: goodAfter(2), calls: 3},
		"rate limited":              {reply: always(providers.RateLimited), want: outcome.RateLimited, calls: 1},
		"wrong API secret":          {reply: always(providers.Misconfigured), want: outcome.Misconfigured, calls: 1},

		"the row can't be read":              {before: failing(opMany, errPassing), want: outcome.Transient},
		"the row may not be read":            {before: failing(opMany, store.ErrForbidden), want: outcome.Misconfigured},
		"a reply is not stored":              {before: failing(opUpdate, errPassing), want: outcome.PersistFailed, calls: 1},
		"a reply may not be stored":          {before: failing(opUpdate, store.ErrForbidden), want: outcome.PersistFailed, calls: 1},
		"a refusal is not stored":            {reply: always(providers.Refused), before: failing(opUpdate, errPassing), want: outcome.Transient, calls: 1},
		"a reply is stored at the third try": {before: failingFirst(opUpdate, 2)},

		"completed":       {row: ended(store.StatusCompleted), want: outcome.NotDue},
		"past its expiry": {row: func(r *store.Transaction) { r.ExpiresAt = stored(time.Now()) }, want: outcome.NotDue},
		"never expires":   {row: func(r *store.Transaction) { r.ExpiresAt = time.Time{} }},
		"due this second": {row: func(r *store.Transaction) { r.RefreshAt = stored(time.Now()) }},
		"not due":         {row: dueLater, want: outcome.NotDue},
		"not due, forced": {row: dueLater, req: sweep.Request{Force: true}},
		"dry run":         {req: sweep.Request{DryRun: true}, want: outcome.WouldRefresh},

		"named":                  {req: sweep.Request{TransactionID: id}},
		"named, not due":         {row: dueLater, req: sweep.Request{TransactionID: id}, want: outcome.NotDue},
		"named, not due, forced": {row: dueLater, req: sweep.Request{TransactionID: id, Force: true}},
		"named, dry run":         {req: sweep.Request{TransactionID: id, DryRun: true}, want: outcome.WouldRefresh},
		"named, unknown":         {req: sweep.Request{TransactionID: 7}, want: outcome.NotDue},
		"named, of this account": {req: sweep.Request{TransactionID: id, Account: account}},
		"named, of another":      {req: sweep.Request{TransactionID: id, Account: "other"}, want: outcome.NotDue},
		"named, dead":            {row: dead, req: sweep.Request{TransactionID: id}, want: outcome.NotDue},
		"named, dead, forced":    {row: dead, req: sweep.Request{TransactionID: id, Force: true}},
		"dead, forced with all":  {row: dead, req: sweep.Request{Force: true}, want: outcome.NotDue},
		"named, deleted, forced": {row: ended(store.StatusDeleted), req: sweep.Request{TransactionID: id, Force: true}, want: outcome.NotDue},
		"named, past its expiry, forced": {
			row: func(r *store.Transaction) { r.ExpiresAt = stored(time.Now()) },
			req: sweep.Request{TransactionID: id, Force: true}, want: outcome.NotDue,
		},
		"named, can't be read":   {before: failing(opGet, errPassing), req: sweep.Request{TransactionID: id}, want: outcome.Transient},
		"named, may not be read": {before: failing(opGet, store.ErrForbidden), req: sweep.Request{TransactionID: id}, want: outcome.Misconfigured},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			if tt.want == "" {
				tt.want, tt.calls = outcome.Refreshed, max(1, tt.calls)
				if tt.after == nil {
					tt.after = refreshed
				}
			}
			want := w.add(id, tt.row)
			w.Reply, w.Before = tt.reply, tt.before
			report := w.run(t, tt.req)
			wantOutcomes(t, report, one(tt.want))
			equal(t, "calls of the provider", w.counted()[opSend], tt.calls)
			if tt.want.NeedsPerson() && tt.want != outcome.Dead {
				equal(t, "listed", needed(report), []outcome.Outcome{tt.want})
			} else {
				wantNobody(t, report)
			}
			if tt.after != nil {
				tt.after(&want)
			}
			equal(t, "row", w.row(id), want)
		})
	}
}

// refreshed is the row after a good reply that came just now.
func refreshed(r *store.Transaction) {
	now := time.Now()
	r.AccessToken, r.ClientToken = secret.New("new"), secret.New("client")
	r.AccessExpiresAt = stored(now.Add(lifetime))
	r.RefreshAt = stored(now.Add(pace.Refresh("1099511627776", lifetime)))
	r.Status, r.Failures = store.StatusActive, 0
	r.Refusals, r.RefusedAt = 0, time.Time{}
}

// backedOff is the row after a call without an answer that ended just now.
func backedOff(failures int, wait time.Duration) func(*store.Transaction) {
	return func(r *store.Transaction) {
		r.Failures = failures
		r.RefreshAt = stored(time.Now().Add(wait))
	}
}

func dueLater(r *store.Transaction) { r.RefreshAt = stored(time.Now().Add(time.Second)) }

func ended(as store.Status) func(*store.Transaction) {
	return func(r *store.Transaction) { r.Status, r.RefreshAt = as, time.Time{} }
}

func dead(r *store.Transaction) { r.Status, r.RefreshAt, r.Failures = store.StatusDead, time.Time{}, 1 }

// replying gives a good reply, after change.
func replying(change func(*providers.Tokens)) func(string) (providers.Tokens, error) {
	return func(string) (providers.Tokens, error) {
		tokens := fresh()
		change(&tokens)
		return tokens, nil
	}
}

// goodAfter fails the first n calls.
func goodAfter(n int) func(string) (providers.Tokens, error) {
	return func(string) (providers.Tokens, error) {
		if n--; n >= 0 {
			return providers.Tokens{}, fail(providers.Unknown)
		}
		return fresh(), nil
	}
}

// failingFirst fails the first n calls of op.
func failingFirst(op string, n int64) func(string, string) error {
	var calls atomic.Int64
	return func(called, _ string) error {
		if called == op && calls.Add(1) <= n {
			return errPassing
		}
		return nil
	}
}

// A row that is recorded again while its old refresh token is presented stays as it was recorded,
// however the call ends.
func TestRowRecordedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(string) (providers.Tokens, error){
		"good": goodAfter(0), "refused": always(providers.Refused), "unknown": always(providers.Unknown),
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.add(id)
			var newer store.Transaction
			w.Reply = func(token string) (providers.Tokens, error) {
				if newer.ID == 0 {
					newer = w.add(id, func(r *store.Transaction) { r.RefreshToken = secret.New("newer") })
				}
				return answer(token)
			}
			wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Superseded))
			equal(t, "row", w.row(id), newer)
		})
	}
}

// A write that is done, and reported as failed, is done.
func TestRowStoredWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for name, rotated := range map[string]string{"same refresh token": "", "new refresh token": "rotated"} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.add(id)
			w.Reply = replying(func(tokens *providers.Tokens) { tokens.RefreshToken = secret.New(rotated) })
			w.After = failingFirst(opUpdate, 1)
			wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
			equal(t, "access token", w.row(id).AccessToken, secret.New("new"))
		})
	}
}

// The index is a hint: rows that have changed since it was read are left alone, and force overrules
// only the due time.
func TestStaleIndex(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world){
		"refreshed by another": func(w *world) { w.add(id, dueLater) },
		"completed":            func(w *world) { w.add(id, func(r *store.Transaction) { r.Status = store.StatusCompleted }) },
		"dead":                 func(w *world) { w.add(id, func(r *store.Transaction) { r.Status = store.StatusDead }) },
		"moved to another":     func(w *world) { w.add(id, func(r *store.Transaction) { r.Account = "other" }) },
		"gone":                 func(w *world) { delete(w.rows, id) },
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.add(id)
			w.After = func(op, _ string) error {
				if op == opSecret { // the index was read
					change(w)
				}
				return nil
			}
			force := name != "refreshed by another"
			wantOutcomes(t, w.run(t, sweep.Request{Force: force}), one(outcome.NotDue))
			equal(t, "sent", len(w.sentNow()), 0)
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.Reply = replying(func(tokens *providers.Tokens) {
			tokens.Warnings, tokens.TransactionID = []string{"odd", "odd"}, 5
			tokens.ServerDate = tokens.IssuedAt.Add(-3500 * time.Millisecond)
		})
		w.Latency[opSend] = 70 * time.Millisecond
		got := w.run(t, sweep.Request{}).Accounts[0]
		equal(t, "warnings", got.Warnings, []string{"odd", "the reply for transaction 1099511627776 names transaction 5"})
		equal(t, "clock skew", got.ClockSkew, -3*time.Second)
		equal(t, "provider latency", got.ProviderLatency, 70*time.Millisecond)
	})
}

// A row whose call panics, or rows whose reading panics, do not affect others.
func TestPanic(t *testing.T) {
	t.Parallel()
	const poison = "a token in the panic's text"
	for name, tt := range map[string]struct {
		set  func(w *world)
		lost int
	}{
		"of a call": {func(w *world) {
			w.Reply = func(token string) (providers.Tokens, error) {
				if token == "rt-7" {
					panic(poison)
				}
				return fresh(), nil
			}
		}, 1},
		"of a read": {func(w *world) {
			reads := 0
			w.Before = func(op, _ string) error {
				if op == opMany {
					if reads++; reads == 2 {
						panic(poison)
					}
				}
				return nil
			}
		}, 4},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			const rows = 20
			w.addDue(rows)
			tt.set(w)
			w.Workers = 4
			report := w.run(t, sweep.Request{})
			wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: rows - tt.lost, outcome.Transient: tt.lost})
			if c := report.Credentials; len(c) != 1 || !c[0].Panicked || !errors.Is(c[0].Err, outcome.ErrPanic) || c[0].Account != account {
				t.Errorf("credentials: %+v", c)
			}
		})
	}
}
