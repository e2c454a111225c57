package e2e_test

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/runtimeapi"
	"tokenrefresh/internal/sandbox"
)

// longestClaim is more than a claim lasts: the function's timeout and its slack.
const longestClaim = 2 * time.Minute

// heals lets the claim of whatever has happened run out and ticks until the
// credential is healthy, which must take three ticks at most, and without a token
// that is presented twice. It returns what the first tick came to.
func (c *credential) heals(t *testing.T, f *function) string {
	t.Helper()
	c.elapse(t, longestClaim)
	seen := c.ticks(t, f)
	c.checkLive(t)
	c.checkSound(t)
	return seen[0]
}

// ticks runs ticks, a minute apart, until the credential says that it is healthy, and
// returns what they came to. More than three end the test.
func (c *credential) ticks(t *testing.T, f *function) []string {
	t.Helper()
	var seen []string
	for range 3 {
		r, err := f.try(t.Context(), f.tick)
		outcome, notOne := f.only(r)
		if err := cmp.Or(err, notOne); err != nil {
			outcome = err.Error()
		}
		if seen = append(seen, outcome); healthy(outcome) {
			return seen
		}
		c.elapse(t, time.Minute)
	}
	t.Fatalf("not healthy after three ticks: %q\n%s", seen, f.Logs())
	return nil
}

// goesOn checks that the chain can still be refreshed.
func (c *credential) goesOn(t *testing.T, f *function) {
	t.Helper()
	f.want(t, c.force(), "refreshed")
	c.checkLive(t)
	c.checkSound(t)
}

// healthy reports whether the outcome of a tick says that all is well.
func healthy(outcome string) bool {
	return slices.Contains([]string{"not_due", "refreshed", "logged_in", "recovered"}, outcome)
}

// checkDied runs an event in which the process is killed.
func (f *function) checkDied(t *testing.T, event string) {
	t.Helper()
	fault := f.fail(t, event)
	assert.Assert(t, fault.Type == runtimeapi.ExitError, "%v", fault)
	f.wire.hangUp()
}

// whenActed does something once, at the moment when the provider has acted on such a
// call and not replied.
func (c *credential) whenActed(op sandbox.Op, do func()) {
	c.sandbox.OnActed(func(_ context.Context, call sandbox.Call) {
		if call.Op == op {
			c.sandbox.OnActed(nil)
			do()
		}
	})
}
