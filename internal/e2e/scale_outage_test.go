package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

const (
	// inOutage is the most calls that a sweep makes to a provider that gives all the same
	// answer: 20 rows, one more that is under way, and further tries of the first three.
	inOutage = 20 + 1 + 2*(firstCalls-1)
	// asOutageBegins is that where it begins in the midst of a sweep: rows that all workers
	// have under way, and a new draw.
	asOutageBegins = 2*inOutage + fleetWorkers + firstCalls
)

// outlives sweeps through an outage of the provider that begins in the midst of a sweep:
// it answers with errors, then not at all, then that it is asked too often. It is left in
// peace meanwhile, and all rows are fresh soon after.
func (f *fleet) outlives(t *testing.T, fn *function) {
	t.Helper()
	const answered = 12
	members := f.makeDue(t, 25)
	f.after(answered, func() { f.suffer(sandbox.Status(http.StatusServiceUnavailable)) })
	_, first := f.calls()
	for _, tick := range []struct {
		name        string
		suffer      *sandbox.Fault // from here on; nil: as before
		pass        time.Duration  // before it
		least, most int            // calls to the provider
	}{
		// Rows that were answered before, and are stored now, show for a while that all is well.
		{"the outage begins", nil, 0, answered, answered + asOutageBegins},
		{"it fails", nil, time.Minute, 1, inOutage},
		{"it is silent", ptr(sandbox.Hold(sandbox.NewGate())), time.Minute, 1, firstCalls},
		{"it wants a pause", ptr(sandbox.RateLimit("90")), time.Minute, 1, firstCalls},
		{"the pause lasts", nil, time.Minute, 0, 0},
		{"the pause is over", nil, time.Minute, 1, 1}, // one call shows whether calls get through again
	} {
		f.elapse(t, tick.pass)
		if tick.suffer != nil {
			f.suffer(*tick.suffer)
		}
		_, before := f.calls()
		r, err := f.attempt(t.Context(), fn, fn.tick)
		assert.NilError(t, err)
		_, after := f.calls()
		t.Logf("%s: %d calls, %v", tick.name, after-before, r.Outcomes)
		if n := after - before; n < tick.least || n > tick.most {
			t.Errorf("%s: %d calls, want %d to %d", tick.name, n, tick.least, tick.most)
		}
	}
	f.sandbox.OnActed(nil)
	f.sandbox.Clear(sandbox.Berbix)
	left := len(f.stale(t, members))
	assert.Assert(t, left != 0 && left <= len(members)-answered, "%d of %d rows are left", left, len(members))
	_, before := f.calls()
	f.elapse(t, 2*time.Minute)
	f.elapseRows(t, f.stale(t, members))
	f.sweepUntilFresh(t, fn, members, 1)
	if _, after := f.calls(); after-before > len(members)-answered {
		t.Errorf("%d calls, %d in all, for %d rows", after-before, after-first, len(members))
	}
	refreshed(members)
	f.count()
	f.checkFresh(t, members)
}

// suffer lets all calls to the provider go wrong like this from here on.
func (f *fleet) suffer(fault sandbox.Fault) {
	f.sandbox.Clear(sandbox.Berbix)
	f.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 0, fault)
}
