package sweep_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// answered fails with a kind and an HTTP status.
func answered(kind providers.Kind, status int) (providers.Tokens, error) {
	e := fail(kind)
	e.Status = status
	return providers.Tokens{}, e
}

// All rows get the same unknown answer, from a gateway without its route. Twenty rows are tried,
// drawn over all that are due; they back off, none is marked dead, and calls wait one minute, two,
// four and then five. When the gateway works again all rows are done at once.
func TestSameAnswerToEverybody(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind   providers.Kind
		status int
		want   outcome.Outcome
		more   int // further tries in a run: two of each of the first three rows
	}{
		"a gateway's 404": {providers.TurnedAway, 404, outcome.Misconfigured, 0},
		"401 to all":      {providers.MaybeRefused, 401, outcome.Misconfigured, 0},
		"500":             {providers.Unknown, 500, outcome.Transient, 6},
		"200 and no word": {providers.Unknown, 200, outcome.Transient, 6},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			const rows = 300
			w.healthyWith(rows, func(r *store.Transaction) { r.AccessExpiresAt = in(3 * time.Hour) })
			w.Reply = func(string) (providers.Tokens, error) { return answered(tt.kind, tt.status) }
			w.Latency[opSend] = 10 * time.Millisecond
			var at []int
			for minute := range 24 {
				time.Sleep(time.Until(in(time.Duration(minute) * time.Minute)))
				report := w.run(t, sweep.Request{})
				wantOutcomes(t, report, map[outcome.Outcome]int{tt.want: report.Outcomes[tt.want]})
				sent := w.sentNow()
				if len(sent) > 0 {
					at = append(at, minute)
					tried := slices.Compact(slices.Sorted(slices.Values(sent)))
					between(t, fmt.Sprint("rows tried in minute ", minute), len(tried), 20, 23) // three may be under way
					assert.Check(t, len(sent) <= len(tried)+tt.more,
						"minute %d: %d calls for %d rows", minute, len(sent), len(tried))
				}
				if minute == 0 {
					w.wantSpread(t, sent, rows)
				}
			}
			// A run that takes moments waits until the tick after the wait.
			equal(t, "minutes with calls", at, []int{0, 2, 5, 10, 16, 22})
			for id := range int64(rows) {
				if row := w.row(id + 1); row.Status != store.StatusActive || row.Refusals != 0 {
					t.Fatalf("row %+v", row)
				}
			}
			w.Reply = nil
			w.ticks(t, 6)
			equal(t, "fresh", w.fresh(rows), rows)
		})
	}
}

// wantNeed wants the report to list the account first with these words.
func wantNeed(t *testing.T, r sweep.Report, says string) {
	t.Helper()
	assert.Assert(t, len(r.Credentials) > 0, "nobody is needed")
	assert.Check(t, is.Contains(r.Credentials[0].Err.Error(), says))
}

// wantSpread wants that the rows sent lie all over the rows, which are 1 to n.
func (w *world) wantSpread(t *testing.T, sent []string, n int) {
	t.Helper()
	parts := map[int]bool{}
	for _, token := range sent {
		parts[(idOf(token)-1)*10/n] = true
	}
	assert.Check(t, len(parts) == 10, "the rows tried lie in %d tenths of all", len(parts))
}

// One row that gets tokens shows that the others' trouble is their own: the sweep goes on, however
// many of the oldest fail.
func TestOldestRowsBlockNobody(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]providers.Kind{"turned away": providers.TurnedAway, "unknown": providers.Unknown} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			const rows, sick = 400, 250
			w.healthyWith(rows)
			w.Reply = func(token string) (providers.Tokens, error) {
				if id := idOf(token); id <= sick {
					return answered(kind, 404)
				}
				return fresh(), nil
			}
			report := w.run(t, sweep.Request{})
			equal(t, "refreshed", report.Outcomes[outcome.Refreshed], rows-sick)
			// Those that failed are tried again when their back-off is over, and no sooner.
			w.sentNow()
			time.Sleep(30 * time.Second)
			w.run(t, sweep.Request{})
			equal(t, "sent before", len(w.sentNow()), 0)
			time.Sleep(time.Minute)
			w.run(t, sweep.Request{})
			between(t, "calls after the back-off", len(w.sentNow()), 20, rows)
		})
	}
}

// A gateway that fails in the middle of a sweep: after 20 rows in a row with the same answer, the
// rest is drawn again, and 20 of these decide. The sweep stops, or goes on if one gets tokens.
func TestTroubleInTheMidst(t *testing.T) {
	t.Parallel()
	const rows, good = 1000, 200
	for name, tt := range map[string]struct {
		kind   providers.Kind
		status int
		most   int // calls after the trouble has begun
	}{
		"503":          {providers.Unknown, 503, 2*20 + 31 + 3 + 2*6},
		"turned away":  {providers.TurnedAway, 404, 2*20 + 31 + 3},
		"no answer":    {providers.Unknown, 0, 20 + 31 + 4 + 2*6},
		"nobody there": {providers.NotSent, 0, 20 + 31 + 4 + 2*6},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.healthyWith(rows)
			w.Latency[opSend] = 50 * time.Millisecond
			calls := 0
			w.Reply = func(string) (providers.Tokens, error) {
				w.mu.Lock()
				defer w.mu.Unlock()
				if calls++; calls <= good {
					return fresh(), nil
				}
				return answered(tt.kind, tt.status)
			}
			report := w.run(t, sweep.Request{})
			equal(t, "refreshed", report.Outcomes[outcome.Refreshed], good)
			between(t, "calls in the trouble", len(w.sentNow())-good, 0, tt.most)
			w.Reply = nil
			time.Sleep(time.Minute)
			w.ticks(t, 7)
			equal(t, "fresh in the end", w.fresh(rows), rows)
		})
	}
}

// Hundreds of broken rows in a row lie between working ones: the sweep still reaches its end.
func TestSickRowsInARow(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows = 900
		w.healthyWith(rows)
		w.Reply = func(token string) (providers.Tokens, error) {
			if id := idOf(token); id > 100 && id <= 500 {
				return answered(providers.Unknown, 500)
			}
			return fresh(), nil
		}
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: rows - 400, outcome.Transient: 400})
		equal(t, "last outcome", w.ledgerRow(account).LastOutcome, outcome.Refreshed)
	})
}

// A few rows that fail in different ways are no reason to stop.
func TestDifferentAnswersStopNoSweep(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows = 60
		w.healthyWith(rows)
		calls := 0
		w.Reply = func(string) (providers.Tokens, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			calls++
			return answered(providers.TurnedAway, 400+calls%10)
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Misconfigured: rows})
		equal(t, "calls", len(w.sentNow()), rows)
	})
}

// One row's odd answer stops nothing: calls go on at the next tick.
func TestOneOddAnswer(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.healthyWith(1)
		w.Reply = func(string) (providers.Tokens, error) { return answered(providers.TurnedAway, 404) }
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, one(outcome.Misconfigured))
		assert.Check(t, report.Accounts[0].AttemptsLeft != 0, "no attempt is left")
		equal(t, "account's wait", w.ledgerRow(account).RefreshAt, time.Time{})
		equal(t, "state", w.ledgerRow(account).State, store.OK)
		w.add(2)
		w.Reply = nil
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
	})
}

// A wait ends with an edit of the credentials, and with force.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world) sweep.Request{
		"with an edit": func(w *world) sweep.Request { w.setSecret("v2", "good"); return sweep.Request{} },
		"with force":   func(*world) sweep.Request { return sweep.Request{Force: true} },
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.healthyWith(30)
			w.Reply = func(string) (providers.Tokens, error) { return answered(providers.TurnedAway, 404) }
			w.run(t, sweep.Request{})
			w.Reply = nil
			report := w.run(t, sweep.Request{})
			wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Misconfigured: report.Outcomes[outcome.Misconfigured]})
			wantNeed(t, report, "the next is tried at 2000-01-01T00:01:00Z")
			between(t, "refreshed", w.run(t, end(w)).Outcomes[outcome.Refreshed], 7, 30)
		})
	}
}

// A wrong API secret costs one call, then one after an hour, six, and each day; no row is
// harmed, and an edit ends the wait at once.
func TestWrongSecretIsTriedFarApart(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.setSecret("v1", "bad")
		before := map[int64]store.Transaction{}
		for id := range int64(50) {
			before[id+1] = w.add(id+1, func(r *store.Transaction) { r.ExpiresAt = time.Time{} })
		}
		var at []time.Duration
		for began := time.Now(); time.Since(began) < 80*time.Hour; time.Sleep(10 * time.Minute) {
			report := w.run(t, sweep.Request{})
			wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Misconfigured: 50})
			assert.Assert(t, report.Accounts[0].AttemptsLeft == 0, "attempts are left")
			for range w.sentNow() {
				at = append(at, time.Since(began).Truncate(time.Hour))
			}
		}
		equal(t, "calls", at, []time.Duration{0, time.Hour, 7 * time.Hour, 31 * time.Hour, 55 * time.Hour, 79 * time.Hour})
		for id, row := range before {
			equal(t, "row", w.row(id), row)
		}
		equal(t, "refusals", w.ledgerRow(account).LoginFailures, 6)

		w.setSecret("v2", "bad") // another wrong one begins anew
		w.run(t, sweep.Request{})
		equal(t, "refusals of the next", w.ledgerRow(account).LoginFailures, 1)
		w.setSecret("v3", "good")
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Refreshed: 50})
		row := w.ledgerRow(account)
		equal(t, "refusals after a success", row.LoginFailures, 0)
		equal(t, "wait", row.RefreshAt, time.Time{})
		equal(t, "state", row.State, store.OK)
	})
}

// If more than 20 accounts wait, each is looked at once in five minutes.
func TestManyAccountsWait(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.Accounts = nil
		for i := range int64(60) {
			name := fmt.Sprint("merchant-", i)
			w.Accounts = append(w.Accounts, name)
			w.secrets[name] = store.Version{ID: "v1", Value: w.secrets[account].Value}
			w.add(i+1, func(r *store.Transaction) { r.Account = name })
			w.setLedger(name, store.Row{
				Phase: store.Idle, State: store.Misconfigured, CredentialsVersionID: "v1", RefreshAt: in(24 * time.Hour), LoginFailures: 3,
			})
		}
		looks := 0
		for range 5 {
			wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Misconfigured: 60})
			n := w.counted()[opSecret]
			assert.Check(t, n <= 30, "%d secrets read in one run", n)
			looks += n
			time.Sleep(time.Minute)
		}
		equal(t, "secrets read in five minutes", looks, 60)
		equal(t, "calls", len(w.sentNow()), 0)
		w.secrets["merchant-7"] = store.Version{ID: "v2", Value: w.secrets[account].Value}
		w.ticks(t, 5)
		equal(t, "after an edit", w.sentNow(), []string{"rt-8"})
	})
}

// The last attempt that can still be in time is made, whatever the account's wait is.
func TestWaitNeverSkipsTheLastAttempt(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		ends := in(19 * time.Minute)
		w.addMany(100, func(r *store.Transaction) { r.AccessExpiresAt = ends })
		w.setLedger(account, healthy())
		w.Reply = func(string) (providers.Tokens, error) { return answered(providers.TurnedAway, 404) }
		w.Latency[opSend] = 10 * time.Millisecond
		var last time.Time
		for time.Now().Before(ends) {
			w.run(t, sweep.Request{})
			if len(w.sentNow()) > 0 {
				last = time.Now()
			}
			time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		}
		assert.Check(t, !last.Before(in(18*time.Minute)), "the last attempt was at %s", last)
	})
}

// An account that an older release has left as misconfigured has no wait: one call shows
// whether the secret is still wrong.
func TestMisconfiguredByAnOlderRelease(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]outcome.Outcome{"bad": outcome.Misconfigured, "good": outcome.Refreshed} {
		inOwnWorld(t, text, func(t *testing.T, w *world) {
			w.setSecret("v1", text)
			w.addDue(40)
			w.setLedger(account, store.Row{
				Phase: store.Idle, Fence: 4, State: store.Misconfigured, CredentialsVersionID: "v1",
				LastOutcome: outcome.Misconfigured, ConsecutiveFailures: 12, LastSuccessAt: in(-time.Hour),
			})
			wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{want: 40})
			if want == outcome.Misconfigured {
				equal(t, "calls", len(w.sentNow()), 1)
				equal(t, "wait", w.ledgerRow(account).RefreshAt, in(time.Hour))
			}
		})
	}
}
