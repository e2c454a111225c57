package sweep_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
	"tokenrefresh/pkg/sweep"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		claim store.ShardClaim // as found
		want  outcome.Outcome
	}{
		"none before":          {want: outcome.Refreshed},
		"given back":           {claim: store.ShardClaim{Holder: "other", Fence: 4}, want: outcome.Refreshed},
		"live":                 {claim: store.ShardClaim{Fence: 4, Holder: "other", Until: in(time.Second)}, want: outcome.Busy},
		"live, of the same id": {claim: store.ShardClaim{Fence: 4, Holder: "run", Until: in(time.Second)}, want: outcome.Busy},
		"run out":              {claim: store.ShardClaim{Fence: 4, Holder: "other", Until: in(0)}, want: outcome.Refreshed},
	} {
		for _, force := range []bool{false, true} {
			inOwnWorld(t, fmt.Sprintf("%s, force %t", name, force), func(t *testing.T, w *world) {
				w.add(id)
				if tt.claim.Fence > 0 {
					w.setClaim(id, tt.claim)
				}
				var during store.ShardClaim
				w.Reply = func(string) (providers.Tokens, error) {
					during = w.claim(id)
					return fresh(), nil
				}
				report := w.runFor(t, 40*time.Second, sweep.Request{Force: force})
				wantOutcomes(t, report, one(tt.want))
				if tt.want == outcome.Busy {
					equal(t, "backlog", report.Accounts[0].Backlog, 0)
					equal(t, "claim", w.claim(id), ofShard(id, tt.claim))
					return
				}
				want := ofShard(id, store.ShardClaim{Fence: tt.claim.Fence + 1, Holder: "run", Until: in(70 * time.Second)})
				equal(t, "claim during the sweep", during, want)
				want.Fence, want.Until = want.Fence+1, time.Time{}
				equal(t, "claim after it", w.claim(id), want)
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
		equal(t, "held", w.claim(id).Held(time.Now()), false)
	})
}

// A claim that another run takes between our read and our write is theirs.
func TestClaimLost(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		theirs := store.ShardClaim{Fence: 1, Holder: "other", Until: in(time.Hour)}
		w.After = func(op, _ string) error {
			if op == opSecret {
				w.setClaim(id, theirs)
			}
			return nil
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Busy))
		equal(t, "holder", w.claim(id).Holder, "other")
	})
}

// A sweep does not release a claim that was taken over while it hung.
func TestReleaseOfALostClaim(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		theirs := store.ShardClaim{Fence: 2, Holder: "other", Until: in(time.Hour)}
		w.Reply = func(string) (providers.Tokens, error) {
			w.setClaim(id, theirs)
			return fresh(), nil
		}
		wantOutcomes(t, w.run(t, sweep.Request{}), one(outcome.Refreshed))
		equal(t, "claim", w.claim(id), ofShard(id, theirs))
	})
}

// A claim that can't be released does not affect the rows.
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
		equal(t, "held", w.claim(id).Held(time.Now()), true)
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
		inOwnWorld(t, name, func(t *testing.T, w *world) {
			w.add(id)
			w.addMany(40, dueLater)
			w.run(t, tt.req)
			equal(t, "writes", w.counted()[opWrite], tt.writes)
		})
	}
}

// A named row is refreshed under another run's claim: doing it twice does no harm.
func TestNamedRowUnderAClaim(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		w.add(id)
		w.setClaim(id, store.ShardClaim{Fence: 1, Holder: "other", Until: in(time.Hour)})
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
		w.addDue(rows)
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
		assert.Check(t, sum[outcome.Busy] != 0, "neither found the other busy")
	})
}

// A sweep that is killed keeps its shards until its claims run out; the next one
// does the rest then.
func TestKilledSweep(t *testing.T) {
	t.Parallel()
	inWorld(t, func(t *testing.T, w *world) {
		const rows = 60
		w.addDue(rows)
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
		w.Workers = 1
		go w.engine().Run(ctx, sweep.Request{RunID: "killed"})
		synctest.Wait()
		equal(t, "calls", len(w.sentNow()), 11)

		w.Reply = nil
		report := w.run(t, sweep.Request{RunID: "too early"})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Busy: 50})
		time.Sleep(70 * time.Second)
		report = w.run(t, sweep.Request{RunID: "next"})
		wantOutcomes(t, report, map[outcome.Outcome]int{outcome.Refreshed: 50})
		for key, claim := range w.claims {
			assert.Check(t, claim.Holder == "next", "%s is claimed by %s", key, claim.Holder)
		}
		close(killed)
	})
}
