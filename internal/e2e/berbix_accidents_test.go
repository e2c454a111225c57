package e2e_test

import (
	"strings"
	"testing"

	"tokenrefresh/internal/sandbox"
)

// sweeper makes a credential of Berbix with so many rows that a forced sweep refreshes.
func (w *world) sweeper(t *testing.T, account string, n int) (*credential, *function, []sandbox.Transaction) {
	t.Helper()
	c := w.credential(t, sandbox.Berbix, account, sandbox.Options{})
	c.seed(t, nil)
	f := c.start(t)
	var rows []sandbox.Transaction
	for range n {
		rows = append(rows, c.newTransaction())
	}
	c.record(t, f, rows...)
	f.wantCounts(t, f.tick, map[string]int{"refreshed": len(rows)})
	return c, f, rows
}

// sweeps checks that a forced sweep refreshes all rows.
func (c *credential) sweeps(t *testing.T, f *function, rows []sandbox.Transaction) {
	t.Helper()
	f.wantCounts(t, c.force(), map[string]int{"refreshed": len(rows)})
	for _, x := range rows {
		c.checkRow(t, x, "")
	}
	c.checkSound(t)
}

// sweepCalls are the calls to AWS that an undisturbed sweep makes; of the queries,
// one a shard, the first and the last.
func (c *credential) sweepCalls(t *testing.T, f *function, rows []sandbox.Transaction) []string {
	t.Helper()
	f.wire.clear()
	c.sweeps(t, f, rows)
	calls := f.wire.clear()
	isQuery := func(call string) bool { return strings.HasPrefix(call, "Query ") }
	var chosen []string
	for i, call := range calls {
		if !isQuery(call) || i == 0 || !isQuery(calls[i+1]) {
			chosen = append(chosen, call)
		}
	}
	return chosen
}

// A sweep may die at any of its calls to AWS, in one way or another: the next one
// whose claims are not taken any more does the work.
func TestBerbixKilledAtEachCallToAWS(t *testing.T) {
	t.Parallel()
	c, f, rows := sharedWorld(t, debug).sweeper(t, "killed", 2)
	for i, call := range c.sweepCalls(t, f, rows) {
		f.wire.expect(call, deaths[i%len(deaths)].mishap(f))
		f.checkDied(t, c.force())
		f.wire.clear()
		c.elapse(t, longestClaim)
		c.sweeps(t, f, rows)
		if f.wire.deliver() > 0 {
			c.elapse(t, longestClaim)
			c.sweeps(t, f, rows)
		}
	}
}

// A single failure of AWS at any call of a sweep costs nothing.
func TestBerbixAWSFailsOnceAtEachCall(t *testing.T) {
	t.Parallel()
	c, f, rows := sharedWorld(t, debug).sweeper(t, "failed", 1)
	for i, call := range c.sweepCalls(t, f, rows) {
		f.wire.expect(call, failures[i%len(failures)].mishap)
		c.sweeps(t, f, rows)
		f.wire.clear()
	}
}

// AWS fails from any call of a sweep to its end. What the run has not done the next
// one does, once claims have run out.
func TestBerbixAWSIsDownForTheRestOfASweep(t *testing.T) {
	t.Parallel()
	c, f, rows := sharedWorld(t, debug).sweeper(t, "down", 1)
	for i, call := range c.sweepCalls(t, f, rows) {
		f.wire.expectFrom(f.resting(failures[i%len(failures)].mishap), call)
		_, _ = f.try(t.Context(), c.force()) // ends in one way or another
		f.wire.clear()
		c.elapse(t, longestClaim)
		c.sweeps(t, f, rows)
	}
}

// The provider has acted, and the process dies before the reply: presenting the
// refresh token again harms nothing.
func TestBerbixKilledBeforeTheReply(t *testing.T) {
	t.Parallel()
	c, f, rows := sharedWorld(t, debug).sweeper(t, "acted", 2)
	c.whenActed(sandbox.Refresh, f.Kill)
	f.checkDied(t, c.force())
	f.wantCounts(t, c.force(), map[string]int{"busy": len(rows)}) // the claims live
	c.elapse(t, longestClaim)
	c.sweeps(t, f, rows)
}

func TestBerbixRateLimit(t *testing.T) {
	t.Parallel()
	c, f, rows := sharedWorld(t, debug).sweeper(t, "limited", 2)
	c.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 0, sandbox.RateLimit("90"))
	f.wantCounts(t, c.force(), map[string]int{"rate_limited": len(rows)})
	c.sandbox.Clear(sandbox.Berbix)
	f.want(t, f.tick, "not_due")
	c.sweeps(t, f, rows) // force ignores the wait
}

func TestBerbixDown(t *testing.T) {
	t.Parallel()
	c, f, rows := sharedWorld(t, debug).sweeper(t, "unreachable", 2)
	c.seed(t, map[string]any{"base_url": "http://" + deadAddress})
	f.wantCounts(t, c.force(), map[string]int{"transient": len(rows)})
	checkCalls(t, c, 0, len(rows))
	c.seed(t, nil)
	c.sweeps(t, f, rows)
}
