package e2e_test

import (
	"strings"
	"testing"

	"tokenrefresh/internal/sandbox"
)

// sweeper makes a credential of Berbix with rows that a forced sweep refreshes.
func (w *world) sweeper(t *testing.T, account string) (*credential, *function, []sandbox.Transaction) {
	t.Helper()
	c := w.credential(t, sandbox.Berbix, account, sandbox.Options{})
	c.seed(t, nil)
	f := c.start(t)
	rows := []sandbox.Transaction{c.sandbox.AddTransaction(), c.sandbox.AddTransaction()}
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
	c, f, rows := newWorld(t, debug).sweeper(t, "killed")
	deaths := []death{done, late}
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
	c, f, rows := newWorld(t, debug).sweeper(t, "failed")
	faults := []mishap{refused, throttled, dropped, unanswered}
	for i, call := range c.sweepCalls(t, f, rows) {
		f.wire.expect(call, faults[i%len(faults)])
		c.sweeps(t, f, rows)
		f.wire.clear()
	}
}

// The provider has acted, and the process dies before the reply: presenting the
// refresh token again harms nothing.
func TestBerbixKilledBeforeTheReply(t *testing.T) {
	t.Parallel()
	c, f, rows := newWorld(t, debug).sweeper(t, "acted")
	c.killWhenActed(f)
	f.checkDied(t, c.force())
	f.wantCounts(t, c.force(), map[string]int{"busy": len(rows)}) // the claims live
	c.elapse(t, longestClaim)
	c.sweeps(t, f, rows)
}

// A lost reply is asked for again in the same run.
func TestBerbixLostReply(t *testing.T) {
	t.Parallel()
	c, f, rows := newWorld(t, debug).sweeper(t, "lost")
	c.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 1, sandbox.LoseReply())
	c.sweeps(t, f, rows)
	checkCalls(t, c, 0, 2*len(rows)+1)
}

func TestBerbixRateLimit(t *testing.T) {
	t.Parallel()
	c, f, rows := newWorld(t, debug).sweeper(t, "limited")
	c.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 0, sandbox.RateLimit("90"))
	f.wantCounts(t, c.force(), map[string]int{"rate_limited": len(rows)})
	c.sandbox.Clear(sandbox.Berbix)
	f.want(t, f.tick, "not_due")
	c.sweeps(t, f, rows) // force ignores the wait
}

func TestBerbixDown(t *testing.T) {
	t.Parallel()
	c, f, rows := newWorld(t, debug).sweeper(t, "down")
	c.seed(t, map[string]any{"base_url": "http://" + deadAddress(t)})
	f.wantCounts(t, c.force(), map[string]int{"transient": len(rows)})
	checkCalls(t, c, 0, len(rows))
	c.seed(t, nil)
	c.sweeps(t, f, rows)
}
