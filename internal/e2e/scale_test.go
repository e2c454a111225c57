package e2e_test

import (
	"context"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

// A table of 570 rows through the life of a fleet: each due row is refreshed once,
// whoever sweeps beside, whoever dies meanwhile and whatever is delivered twice; the
// others are left in peace. Each part makes rows due and leaves all of them fresh.
func TestFleet(t *testing.T) { //nolint:tparallel // one part goes on from another
	t.Parallel()
	f := newFleet(t, map[state]int{fresh: 320, completed: 150, deleted: 35, dead: 55, expired: 10})
	fn, impatient := f.start(t), f.startWith(t, map[string]string{"HTTP_TIMEOUT": "2s"})
	for _, part := range []struct { //nolint:paralleltest // see above
		name string
		test func(*testing.T, *function)
		fn   *function
	}{
		{"one sweep", f.oneSweep, fn},
		{"two sweeps", f.twoSweeps, fn},
		{"killed", f.killed, fn},
		{"delivered twice", f.deliveredTwice, fn},
		{"poisoned", f.poisoned, impatient},
		{"throttled", f.throttled, fn},
		{"outage", f.outlives, impatient},
		{"over", f.over, fn},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, part.fn) })
	}
	f.checkTable(t)
}

// oneSweep refreshes each due row once, writes it once, and reads nothing that is not
// due but the heads of the index.
func (f *fleet) oneSweep(t *testing.T, fn *function) {
	t.Helper()
	members := f.makeDue(t, 30)
	seen := fn.wire.watch(nil)
	f.wantSweep(t, fn, map[string]int{"refreshed": len(members)})
	refreshed(members)
	f.checkTraffic(t, members, seen)
	f.checkFresh(t, members)
	f.checkPresented(t)
	reads := seen.of(f.stack.Outputs["Transactions"])["BatchGetItem"]
	most := len(members)/fleetWorkers + 1
	assert.Check(t, reads <= most, "%d reads of %d rows, want %d at most", reads, len(members), most)
	most = f.sandbox.Stats(sandbox.Berbix).MaxInFlight
	assert.Check(t, most <= fleetWorkers, "%d calls to the provider at once", most)

	// Where nothing is due a sweep reads the heads of the index and its ledger.
	f.checkRows(t, f.in(expired), f.read(t, f.in(expired)))
	f.remove(t, f.in(expired))
	seen = fn.wire.watch(nil)
	f.wantSweep(t, fn, map[string]int{"not_due": 1})
	for table, want := range map[string]map[string]int{"Transactions": {"Query": store.Shards}, "Ledger": {"Query": 1}} {
		assert.Check(t, is.DeepEqual(seen.of(f.stack.Outputs[table]), want), "calls where nothing is due, %s", table)
	}
	f.checkPresented(t)
}

// twoSweeps lets two processes sweep at once. Claims promise that no row is refreshed twice, nor
// written: a shard is worked on by one of them, and whoever comes to it after the other
// reads its rows again and finds them fresh.
func (f *fleet) twoSweeps(t *testing.T, fn *function) {
	t.Helper()
	other := f.start(t)

	// One that waits at the provider holds its shards against the other.
	members := f.makeDue(t, 8)
	gate := sandbox.NewGate()
	defer gate.Release()
	f.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 0, sandbox.Hold(gate))
	first, second := fn.wire.watch(nil), other.wire.watch(nil)
	ended := f.attemptAll(t, fn.tick, fn)
	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	assert.NilError(t, gate.Await(soon, firstCalls))
	f.wantSweep(t, other, map[string]int{"busy": len(members)})
	f.sandbox.Clear(sandbox.Berbix)
	gate.Release()
	assert.Check(t, is.DeepEqual((<-ended).Outcomes, map[string]int{"refreshed": len(members)}), "outcomes")
	refreshed(members)
	f.checkTraffic(t, members, first, second)
	f.checkFresh(t, members)
	f.checkPresented(t)

	// They begin at the same moment, and share the shards as it happens.
	members = f.makeDue(t, 8)
	first, second = fn.wire.watch(nil), other.wire.watch(nil)
	total := map[string]int{}
	for r := range f.attemptAll(t, fn.tick, fn, other) {
		t.Log(r.Outcomes)
		for outcome, n := range r.Outcomes {
			total[outcome] += n
		}
	}
	delete(total, "busy")
	delete(total, "not_due")
	assert.Check(t, is.DeepEqual(total, map[string]int{"refreshed": len(members)}), "outcomes of both")
	refreshed(members)
	f.checkTraffic(t, members, first, second)
	f.checkFresh(t, members)
	f.checkPresented(t)
	f.wantSweep(t, other, map[string]int{"not_due": 1}) // and the claims are given back
}
