package sweep_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

// A rate limit stops the account's sweep; the next sweeps make no call as long as it asked.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addDue(100)
		var good atomic.Int64 // calls that may still succeed
		good.Store(10)
		w.Reply = func(string) (providers.Tokens, error) {
			if good.Add(-1) < 0 {
				e := fail(providers.RateLimited)
				e.RetryAfter = 5 * time.Minute
				return providers.Tokens{}, e
			}
			return fresh(), nil
		}
		w.Workers = 1
		run := func(force bool, want map[outcome.Outcome]int, calls int) {
			t.Helper()
			report := w.run(t, sweep.Request{Force: force})
			wantOutcomes(t, report, want)
			wantNobody(t, report)
			equal(t, "backlog", report.Accounts[0].Backlog, want[outcome.RateLimited])
			equal(t, "calls", len(w.sentNow()), calls)
		}
		run(false, map[outcome.Outcome]int{outcome.Refreshed: 10, outcome.RateLimited: 90}, 11)
		equal(t, "not before", w.ledgerRow(account).NotBefore, time.Now().Add(5*time.Minute).UTC())
		equal(t, "last outcome", w.ledgerRow(account).LastOutcome, outcome.RateLimited)
		if row := w.row(11); row.Failures != 0 || row.RefreshAt.After(time.Now()) {
			t.Errorf("a row pays for the limit: %+v", row)
		}

		time.Sleep(5*time.Minute - time.Second)
		run(false, map[outcome.Outcome]int{outcome.RateLimited: 90}, 0)
		w.Workers = 32
		time.Sleep(time.Second)
		run(false, map[outcome.Outcome]int{outcome.RateLimited: 90}, 1) // one shows that it still holds
		good.Store(1000)
		time.Sleep(5 * time.Minute)
		run(false, map[outcome.Outcome]int{outcome.Refreshed: 90}, 90)
		equal(t, "not before", w.ledgerRow(account).NotBefore, time.Time{})
	})
}

// A forced run with a successful call lifts the limit.
func TestRateLimitForced(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.setLedger(account, store.Row{NotBefore: in(time.Hour)})
		wantOutcomes(t, w.run(t, sweep.Request{Force: true}), one(outcome.Refreshed))
		equal(t, "not before", w.ledgerRow(account).NotBefore, time.Time{})
	})
}

// Of several limits the longest holds, and of several reasons to stop the first.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addMany(3, func(r *store.Transaction) { r.AccessExpiresAt = in(3 * time.Hour) })
		w.setLedger(account, healthy())
		w.Reply = func(token string) (providers.Tokens, error) {
			e := fail(providers.RateLimited)
			switch token {
			case "rt-1":
				time.Sleep(time.Second / 2)
				e.RetryAfter = 30 * time.Minute
			case "rt-2":
				time.Sleep(time.Second)
				e.RetryAfter = time.Minute
			case "rt-3":
				time.Sleep(2 * time.Second)
				e.Kind = providers.Misconfigured
			}
			return providers.Tokens{}, e
		}
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.RateLimited: 2, outcome.Misconfigured: 1})
		row := w.ledgerRow(account)
		equal(t, "not before", row.NotBefore, in(30*time.Minute+time.Second/2))
		equal(t, "last outcome", row.LastOutcome, outcome.RateLimited)
	})
}

// Rows whose calls were under way are stored all the same.
func TestStopKeepsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for _, kind := range []providers.Kind{providers.RateLimited, providers.Misconfigured} {
		inOwnWorld(t, kind.String(), func(t *testing.T, w *world) {
			w.healthyWith(100)
			calls := 0
			w.Reply = func(string) (providers.Tokens, error) {
				w.mu.Lock()
				calls++
				call := calls
				w.mu.Unlock()
				switch call {
				case 1: // shows that calls succeed
					return fresh(), nil
				case 7:
					time.Sleep(time.Second / 2)
					return providers.Tokens{}, fail(kind)
				}
				time.Sleep(time.Second)
				return fresh(), nil
			}
			w.Workers = 8
			report := w.run(t, sweep.Request{})
			want := outcome.RateLimited
			if kind == providers.Misconfigured {
				want = outcome.Misconfigured
			}
			wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: 8, want: 92})
		})
	}
}

// Rows that were read ahead when the sweep stopped are not sent.
func TestStopAfterReadingAhead(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addDue(10)
		w.Workers, w.Reply = 2, always(providers.RateLimited)
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.RateLimited: 10})
		equal(t, "reads", w.counted()[opMany], 2)
		between(t, "sent", len(w.sentNow()), 0, 2)
	})
}

// A host that does not answer is called for a few rows only: four, then two in each run.
// Those rows back off, all others stay due. Once the host answers all are done in one run.
func TestSilentHost(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]func(string) (providers.Tokens, error){
		"no connection": always(providers.NotSent),
		"no answer":     always(providers.Unknown),
		"one or the other": func(token string) (providers.Tokens, error) {
			if len(token)%2 == 0 {
				return providers.Tokens{}, fail(providers.NotSent)
			}
			return providers.Tokens{}, fail(providers.Unknown)
		},
		"not classified": func(string) (providers.Tokens, error) {
			return providers.Tokens{}, errPassing
		},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			const rows = 200
			w.healthyWith(rows)
			w.Reply = silent
			w.Latency[opSend] = time.Second
			seen := map[string]bool{}
			for tick := range 20 {
				began := time.Now()
				report := w.run(t, sweep.Request{})
				between(t, "time", time.Since(began), 0, 10*time.Second)
				wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Transient: report.Outcomes[outcome.Transient]})
				wantNobody(t, report)
				sent := w.sentNow()
				tried := slices.Compact(slices.Sorted(slices.Values(sent)))
				want := 2
				if tick == 0 {
					want = 4
					wantWarning(t, report, "no answer came for 4 rows")
				}
				equal(t, "rows tried", len(tried), want)
				equal(t, "calls", len(sent), want) // others fail in the same way, so none is tried again
				for _, token := range tried {
					seen[token] = true
					id := idOf(token)
					if row := w.row(int64(id)); row.Failures == 0 || row.RefreshAt.Before(stored(began)) {
						t.Errorf("row %d: %+v", id, row)
					}
				}
				equal(t, "failures", w.ledgerRow(account).ConsecutiveFailures, tick+1)
				time.Sleep(time.Minute)
			}
			between(t, "rows tried", len(seen), 20, rows) // those that were tried do not block the others
			w.Reply = nil
			for range 2 {
				wantNobody(t, w.run(t, sweep.Request{}))
				time.Sleep(time.Minute)
			}
			between(t, "fresh", w.fresh(rows), rows-10, rows) // the others back off, five minutes at most
		})
	}
}

// Rows that always fail don't stop those that don't.
func TestPoisonRows(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addDue(90)
		w.Reply = func(token string) (providers.Tokens, error) {
			if strings.HasSuffix(token, "3") {
				return providers.Tokens{}, fail(providers.Unknown)
			}
			return fresh(), nil
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), map[outcome.Outcome]int{outcome.Refreshed: 81, outcome.Transient: 9})
	})
}

// If a store is down, or refuses us, the provider is not called for nothing.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		op   string
		err  error
		want map[outcome.Outcome]int
		sent int
	}{
		"reads fail":       {opMany, errPassing, map[outcome.Outcome]int{outcome.Transient: 90}, 0},
		"reads forbidden":  {opMany, store.ErrForbidden, map[outcome.Outcome]int{outcome.Misconfigured: 1, outcome.Transient: 89}, 0},
		"writes fail":      {opUpdate, errPassing, map[outcome.Outcome]int{outcome.PersistFailed: 5, outcome.Transient: 85}, 5},
		"writes forbidden": {opUpdate, store.ErrForbidden, map[outcome.Outcome]int{outcome.PersistFailed: 1, outcome.Transient: 89}, 1},
	} {
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.addDue(90)
			w.Before = failing(tt.op, tt.err)
			w.Workers = 1
			report := w.run(t, sweep.Request{})
			wantOutcomes(t, report, tt.want)
			equal(t, "calls", len(w.sentNow()), tt.sent)
			equal(t, "backlog", report.Accounts[0].Backlog, 90)
			between(t, "listed", len(needed(report)), 0, 1)
			equal(t, "state", w.ledgerRow(account).State, store.OK) // the credentials are not the cause
		})
	}
}

// An account is listed once for each way in which it needs a person.
func TestListed(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.healthyWith(4)
		w.Before = failing(opUpdate, store.ErrForbidden)
		w.Reply = func(token string) (providers.Tokens, error) {
			time.Sleep(time.Second)
			if token > "rt-2" {
				return providers.Tokens{}, fail(providers.Misconfigured)
			}
			return fresh(), nil
		}
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.PersistFailed: 2, outcome.Misconfigured: 2})
		listed := needed(report)
		slices.Sort(listed)
		equal(t, "listed", listed, []outcome.Outcome{outcome.Misconfigured, outcome.PersistFailed})
	})
}

// No row is begun without enough time; the rest is reported and stays due.
func TestBudget(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.addMany(50, func(r *store.Transaction) { r.RefreshAt = r.RefreshAt.Add(-time.Duration(r.ID) * time.Second) })
		oldest := w.row(49).RefreshAt // 50 is due longest and comes first; the next are drawn over all
		w.Latency[opSend] = time.Second
		w.Workers = 1
		report := w.runFor(t, 15*time.Second+9500*time.Millisecond, sweep.Request{})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: 10, outcome.Transient: 40})
		got := report.Accounts[0]
		equal(t, "backlog", got.Backlog, 40)
		equal(t, "oldest", got.OldestDue, oldest)
		equal(t, "first", w.sentNow()[0], "rt-50")
		wantWarning(t, report, "left to the next run")
	})
}

// A row is not tried again without enough time.
func TestBudgetOfRetries(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.Reply = always(providers.Unknown)
		w.Latency[opSend] = 4 * time.Second
		wantOutcomes(t, w.runFor(t, 22*time.Second, sweep.Request{}), one(outcome.Transient))
		equal(t, "calls", len(w.sentNow()), 2)
		equal(t, "failures", w.row(id).Failures, 1)
	})
}

// A call that takes too long ends, and its row is tried again.
func TestSendTimeout(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.Latency[opSend] = time.Hour
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Transient))
		equal(t, "calls", len(w.sentNow()), 3)
		between(t, "time", time.Since(in(0)), 30*time.Second, 33*time.Second)
	})
}

// A cancelled sweep stores its replies, releases its claims and counts no failure of a row.
func TestCancelled(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.healthyWith(100)
		ctx, cancel := context.WithCancel(t.Context())
		w.Reply = func(token string) (providers.Tokens, error) {
			time.Sleep(time.Second)
			cancel()
			if strings.HasSuffix(token, "5") {
				return providers.Tokens{}, fail(providers.Unknown)
			}
			return fresh(), nil
		}
		w.Workers = 10
		report := w.engine().Run(ctx, sweep.Request{RunID: "run"})
		n := report.Outcomes[outcome.Refreshed]
		assert.Check(t, n >= 3 && n <= 4, "%d were refreshed", n)
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: n, outcome.Transient: 100 - n})
		for i := range int64(100) {
			if row := w.row(i + 1); row.Failures != 0 {
				t.Errorf("row %d: %d failures", row.ID, row.Failures)
			}
		}
		for key, row := range w.ledger {
			assert.Check(t, row.Phase == store.Idle, "%s is %s", key, row.Phase)
		}
		synctest.Wait()
	})
}
