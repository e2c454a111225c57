package sweep_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/sweep"
)

func shardAccount(id int64) string { return fmt.Sprintf("%s/shard-%d", account, sweep.ShardOf(id)) }

func TestClaim(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		row  refresh.Row // of the shard, as found
		want outcome.Outcome
	}{
		"none before":          {want: outcome.Refreshed},
		"given back":           {row: refresh.Row{Phase: refresh.Idle, Fence: 4}, want: outcome.Refreshed},
		"live":                 {row: refresh.Row{Phase: refresh.Sending, Fence: 4, ClaimedBy: "other", ClaimedUntil: in(time.Second)}, want: outcome.Busy},
		"live, of the same id": {row: refresh.Row{Phase: refresh.Sending, Fence: 4, ClaimedBy: "run", ClaimedUntil: in(time.Second)}, want: outcome.Busy},
		"run out":              {row: refresh.Row{Phase: refresh.Sending, Fence: 4, ClaimedBy: "other", ClaimedUntil: in(0)}, want: outcome.Refreshed},
	} {
		for _, force := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, force %t", name, force), func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(t *testing.T, w *world) {
					w.add(id)
					if tt.row.Fence > 0 {
						w.setLedger(shardAccount(id), tt.row)
					}
					ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
					defer cancel()
					var during refresh.Row
					w.Reply = func(string) (providers.Tokens, error) {
						during = w.ledgerRow(shardAccount(id))
						return fresh(), nil
					}
					report := w.engine().Run(ctx, sweep.Request{RunID: "run", Force: force})
					wantOutcomes(t, report, one(tt.want))
					if tt.want == outcome.Busy {
						equal(t, "backlog", report.Accounts[0].Backlog, 0)
						want := tt.row
						want.Key = refresh.Key{Provider: provider, Account: shardAccount(id)}
						equal(t, "claim", w.ledgerRow(shardAccount(id)), want)
						return
					}
					want := refresh.Row{
						Key:   refresh.Key{Provider: provider, Account: shardAccount(id)},
						Phase: refresh.Sending, Fence: tt.row.Fence + 1, ClaimedBy: "run", ClaimedUntil: in(70 * time.Second),
					}
					equal(t, "claim during the sweep", during, want)
					want.Phase, want.ClaimedUntil = refresh.Idle, time.Time{}
					equal(t, "claim after it", w.ledgerRow(shardAccount(id)), want)
				})
			})
		}
	}
}

// in is a moment after the start of a bubble's clock.
func in(d time.Duration) time.Time {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d)
}

// A claim that was written, and reported as failed, is ours.
func TestClaimWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.After = failingFirst(opWrite, 1)
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
		equal(t, "phase", w.ledgerRow(shardAccount(id)).Phase, refresh.Idle)
	})
}

// A claim that another run takes between our read and our write is theirs.
func TestClaimLost(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		theirs := refresh.Row{Phase: refresh.Sending, Fence: 1, ClaimedBy: "other", ClaimedUntil: in(time.Hour)}
		w.After = func(op, _ string) error {
			if op == opSecret {
				w.setLedger(shardAccount(id), theirs)
			}
			return nil
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Busy))
		equal(t, "holder", w.ledgerRow(shardAccount(id)).ClaimedBy, "other")
	})
}

// A claim that was taken over while a sweep hung is not given back by it.
func TestReleaseOfALostClaim(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		theirs := refresh.Row{Phase: refresh.Sending, Fence: 2, ClaimedBy: "other", ClaimedUntil: in(time.Hour)}
		w.Reply = func(string) (providers.Tokens, error) {
			w.setLedger(shardAccount(id), theirs)
			return fresh(), nil
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
		got := w.ledgerRow(shardAccount(id))
		got.Key = refresh.Key{}
		equal(t, "claim", got, theirs)
	})
}

// A claim that can't be given back costs the rows nothing.
func TestReleaseFails(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.Reply = func(string) (providers.Tokens, error) {
			w.Before = failing(opWrite, errPassing)
			return fresh(), nil
		}
		report := w.run(t, sweep.Request{})
		wantOutcomes(t, report, one(outcome.Refreshed))
		wantNobody(t, report)
		equal(t, "phase", w.ledgerRow(shardAccount(id)).Phase, refresh.Sending)
	})
}

// Only shards with something due are claimed; a named row and a dry run claim nothing.
func TestClaimsNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		req    sweep.Request
		writes int // the history included
	}{
		"all":     {sweep.Request{}, 3},
		"one":     {sweep.Request{TransactionID: id}, 1},
		"dry run": {sweep.Request{DryRun: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(t *testing.T, w *world) {
				w.add(id)
				for i := range int64(40) {
					w.add(i+1, dueLater)
				}
				w.run(t, tt.req)
				equal(t, "writes", w.counted()[opWrite], tt.writes)
			})
		})
	}
}

// A named row is worked on under another run's claim: twice harms nothing.
func TestNamedRowUnderAClaim(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.setLedger(shardAccount(id), refresh.Row{Phase: refresh.Sending, Fence: 1, ClaimedBy: "other", ClaimedUntil: in(time.Hour)})
		wantOutcomes(t, w.run(t, sweep.Request{DryRun: true}), one(outcome.Busy))
		report := w.run(t, sweep.Request{TransactionID: id})
		wantOutcomes(t, report, one(outcome.Refreshed))
		equal(t, "next expiry, of one row among many", report.Accounts[0].NextExpiry, time.Time{})
		equal(t, "and in the ledger", w.ledgerRow(account).AccessExpiresAt, time.Time{})
	})
}

// Two sweeps at once do the work of one.
func TestTwoSweeps(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows = 400
		for i := range int64(rows) {
			w.add(i + 1)
		}
		w.Latency = map[string]time.Duration{opSend: 50 * time.Millisecond, opWrite: time.Millisecond}
		var reports [2]sweep.Report
		var wg sync.WaitGroup
		for i := range reports {
			wg.Go(func() { reports[i] = w.run(t, sweep.Request{RunID: fmt.Sprint("run-", i)}) })
		}
		wg.Wait()
		equal(t, "calls", len(w.sentNow()), rows)
		sum := map[outcome.Outcome]int{}
		for _, r := range reports {
			for what, n := range r.Outcomes {
				sum[what] += n
			}
		}
		equal(t, "refreshed", sum[outcome.Refreshed], rows)
		if sum[outcome.Busy] == 0 {
			t.Error("neither found the other busy")
		}
	})
}

// A sweep that is killed keeps its shards until its claims run out; the next one
// does the rest then.
func TestKilledSweep(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows = 60
		for i := range int64(rows) {
			w.add(i + 1)
		}
		killed := make(chan struct{}) // a killed process makes no further call
		n := 0
		w.Reply = func(string) (providers.Tokens, error) {
			if n++; n > 10 {
				<-killed
			}
			return fresh(), nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		e := w.engine()
		e.Workers = 1
		go e.Run(ctx, sweep.Request{RunID: "killed"})
		synctest.Wait()
		equal(t, "calls", len(w.sentNow()), 11)

		w.Reply = nil
		report := w.run(t, sweep.Request{RunID: "too early"})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Busy: 50})
		time.Sleep(70 * time.Second)
		report = w.run(t, sweep.Request{RunID: "next"})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: 50})
		for key, row := range w.ledger {
			if strings.Contains(key.Account, "/shard-") && row.ClaimedBy != "next" {
				t.Errorf("%s is claimed by %s", key, row.ClaimedBy)
			}
		}
		close(killed)
	})
}
