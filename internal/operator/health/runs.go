package health

import (
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
)

// findRuns is the advice if no runs come.
const findRuns = "check whether runs come (on AWS the schedule and the function's log, on one machine tokenctl run), " +
	"or run it once"

// silent is the finding about something that is due for so long that runs seem to be missing. A run
// that begins no attempt, for lack of time or because AWS is in trouble, leaves no trace either.
func (c Credential) silent(now time.Time) Finding {
	since := later(c.Row.RefreshAt, c.Row.NotBefore)
	since = later(since, c.Row.Staged.Last()) // an attempt began then
	silence, known := c.silence()
	if since.IsZero() || !known || now.Sub(since) < silence {
		return Finding{}
	}
	return act(Silent, fmt.Sprintf("a refresh is due, and no run has begun one for %s", Short(now.Sub(since))), findRuns,
		c.doctor(), c.command("refresh"))
}

// limited is the finding about a wait that the provider has asked for.
func (c Credential) limited(now time.Time) Finding {
	if !now.Before(c.Row.NotBefore) || c.Row.LastOutcome != outcome.RateLimited {
		return Finding{}
	}
	return warn(RateLimited, c.because(fmt.Sprintf("the provider wants no call for another %s", Short(c.Row.NotBefore.Sub(now)))),
		"it goes on by itself; if this happens often, ask the provider for a higher limit")
}

// failing is the finding about attempts that failed without harm.
func (c Credential) failing(now time.Time) Finding {
	r := c.Row
	if r.ConsecutiveFailures == 0 {
		return Finding{}
	}
	what, next := "attempts that failed in a row", "the next tick tries again"
	if c.Sweep {
		what = "sweeps in a row in which no call succeeded"
	}
	from := r.NotBefore
	if c.Sweep {
		from = later(from, r.RefreshAt) // after a stop
	}
	if wait := from.Sub(now); wait > 0 {
		next = "the next is in " + Short(wait)
	}
	cause := c.because(fmt.Sprintf("%s: %d; %s", what, r.ConsecutiveFailures, next))
	if r.LastOutcome.NeedsPerson() {
		return act(Misconfigured, cause, "remove the obstacle: each tick tries again", c.doctor())
	}
	return warn(Failing, cause, "check whether the provider can be reached", c.doctor())
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
