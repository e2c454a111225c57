package e2e_test

import (
	"errors"
	"slices"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
)

// killed kills a sweep in its midst, in several ways. While its claims live nobody works
// on its rows. Then all of them get fresh, and none is presented again that was stored.
func (f *fleet) killed(t *testing.T, fn *function) {
	t.Helper()
	members := f.makeDue(t, 10)
	before := f.presented(members)
	transactions, ledger := f.stack.Outputs["Transactions"], f.stack.Outputs["Ledger"]
	kills := []struct {
		name string
		plan func()
	}{
		{"at the provider", func() { f.after(20, fn.Kill) }},
		{"row stored", func() { fn.atWrite(transactions, 5, done) }},
		{"row on its way", func() { fn.atWrite(transactions, 10, late) }},
		{"row not sent", func() { fn.atWrite(transactions, 15, unsent) }},
		{"claiming", func() { fn.atWrite(ledger, 4, unsent) }},
	}
	stored := map[*member]int{} // how often they had been presented by then
	for _, kill := range kills {
		kill.plan()
		_, err := f.attempt(t.Context(), fn, fn.tick)
		fault, ok := errors.AsType[*runtimeapi.FunctionError](err)
		assert.Assert(t, ok && fault.Type == runtimeapi.ExitError, "%s: the sweep was not killed: %v", kill.name, err)
		fn.wire.clear()
		f.sandbox.OnActed(nil)
		if kill.name != "claiming" { // it has claimed some shards only
			f.checkBusy(t, fn, members)
		}
		left := f.stale(t, members)
		assert.Assert(t, len(left) != 0, "%s: nothing was left to do", kill.name)
		counts := f.sandbox.Presentations(sandbox.Berbix)
		for _, m := range members {
			if _, known := stored[m]; !known && !slices.Contains(left, m) {
				stored[m] = counts[m.RefreshToken]
			}
		}
		f.elapse(t, fleetClaim)
	}
	f.sweepUntilFresh(t, fn, members, 2) // a claim of the last one may have been on its way, and hold a shard
	assert.Check(t, len(stored) != 0, "no sweep has stored anything before it was killed")
	counts := f.sandbox.Presentations(sandbox.Berbix)
	for m, n := range stored {
		assert.Assert(t, counts[m.RefreshToken] == n, "row %d was presented again after it was stored", m.ID)
	}
	// A sweep that dies loses what its workers have in hand.
	n, most := f.presented(members)-before, len(members)+len(kills)*fleetWorkers
	assert.Check(t, n <= most, "%d calls for %d rows and %d kills, want %d at most", n, len(members), len(kills), most)
	refreshed(members)
	f.count()
	f.checkFresh(t, members)

	// A write of a dead process that lands long after brings an older token, which is good.
	n = fn.wire.deliver()
	assert.Assert(t, n == 1, "%d writes were on their way", n)
	left := f.stale(t, members)
	assert.Check(t, len(left) == 0, "a late write has left %d rows without a good token", len(left))
}

// atWrite lets the process die at the nth write to a table from here on.
func (f *function) atWrite(table string, n int, death death) {
	f.wire.expectAll(func(c call) mishap {
		if c.operation != "UpdateItem" || c.table != table {
			return nil
		}
		if n--; n == 0 {
			return death.mishap(f)
		}
		return nil
	})
}

// checkBusy checks that a sweep leaves those of the members that are due to whoever has
// claimed them.
func (f *fleet) checkBusy(t *testing.T, fn *function, members []*member) {
	t.Helper()
	_, before := f.calls()
	most := len(f.stale(t, members))
	r, err := f.attempt(t.Context(), fn, fn.tick)
	if _, calls := f.calls(); err != nil || len(r.Outcomes) != 1 || calls != before {
		t.Fatalf("while claims live a sweep has made %d calls and ended with %v, %v", calls-before, r.Outcomes, err)
	}
	// The last writes of the dead process may have been on their way until now.
	n, least := r.Outcomes["busy"], len(f.stale(t, members))
	assert.Assert(t, n >= least && n <= most, "%d rows are busy, want %d to %d", n, least, most)
}
