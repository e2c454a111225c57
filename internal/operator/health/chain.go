package health

import (
	"cmp"
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
)

const (
	// fewAttempts is few enough for a warning.
	fewAttempts = 10
	// minAttempts: an alarm rings if there are fewer.
	minAttempts = 2
)

// chain is the main finding about a credential with a chain of tokens.
func (c Credential) chain(now time.Time) Finding {
	return c.urgent(now, first(
		c.sending(now), c.waiting(now), c.secretAtFault(), c.notSeeded(), c.rowless(now), c.unstored(now), c.paused(), c.chainEnds(now),
		c.silent(now), c.limited(now), c.failing(now), c.untried(),
	))
}

// urgent adds until when readers have a token, and raises a finding that heals by itself if that is
// too slow.
func (c Credential) urgent(now time.Time, f Finding) Finding {
	ends := c.Row.AccessExpiresAt
	switch {
	case ends.IsZero(), f.Condition == Busy, f.Condition == Unstored, f.Condition == Unpublished: // a newer token is on its way
		return f
	case now.Before(ends) && f.State == OK:
		return f
	case now.Before(ends):
		f.Cause += "; the access token ends in " + Short(ends.Sub(now))
		if left, known := c.AttemptsLeft(now); known && f.State == Warn && !c.troubled() {
			if left < fewAttempts {
				f.Cause += fmt.Sprintf(", attempts left until then: %d", left)
			}
			if left < minAttempts {
				f.State = Act
			}
		}
		return f
	case f.Condition == Healthy:
		f = act(Expired, "a refresh is due, and no run has begun it yet", "wait for the next tick, or refresh it now",
			c.command("refresh"))
	case !c.troubled(): // else an edit is about to mend it
		f.State = Act
	}
	f.Cause += fmt.Sprintf("; the access token ended %s ago", Short(now.Sub(ends)))
	return f
}

// chainEnds is the finding about a refresh token that ends before it is used.
func (c Credential) chainEnds(now time.Time) Finding {
	ends := c.Row.RefreshExpiresAt
	switch {
	case ends.IsZero(), c.CanLogin, c.Credentials.Fault != "", ends.After(later(now, c.Row.RefreshAt)):
		return Finding{}
	case now.Before(ends):
		cause := fmt.Sprintf("the refresh token ends in %s, before it would be used, and there is no login", Short(ends.Sub(now)))
		return act(ChainEnds, cause, c.newChain(), c.seeds()...)
	}
	return act(ChainEnds, "the refresh token has ended, and there is no login", c.newChain(), c.seeds()...)
}

// newChain is the advice to begin a new chain.
func (c Credential) newChain() string {
	begin := fmt.Sprintf("or a new refresh token, as {\"refresh_token\":\"…\"}, into %s", c.Tokens.Name)
	if c.Begins == "login" {
		begin = "or log in with a browser"
	}
	return fmt.Sprintf("put login credentials into the secret %s, %s", c.Credentials.Name, begin)
}

func (c Credential) seeds() []string {
	return []string{c.command("seed credentials"), c.begin()}
}

// begin is the command that begins a chain with a refresh token.
func (c Credential) begin() string { return c.command(cmp.Or(c.Begins, "seed tokens")) }

// findRuns is the advice if no runs come.
const findRuns = "check whether runs come (on AWS the schedule and the function's log, on one machine tokenctl run), " +
	"or run it once"

// silent is the finding about something that is due for so long that runs seem to be missing. A run
// that begins no attempt, for lack of time or because AWS is in trouble, leaves no trace either.
func (c Credential) silent(now time.Time) Finding {
	since := later(c.Row.RefreshAt, c.Row.NotBefore)
	since = later(since, c.Row.Staged.Last()) // an attempt began then
	silence, known := c.silence()
	return act(Silent, fmt.Sprintf("a refresh is due, and no run has begun one for %s", Short(now.Sub(since))), findRuns,
		c.doctor(), c.command("refresh")).when(!since.IsZero() && known && now.Sub(since) >= silence)
}

// limited is the finding about a wait that the provider has asked for.
func (c Credential) limited(now time.Time) Finding {
	return warn(RateLimited, c.because(fmt.Sprintf("the provider wants no call for another %s", Short(c.Row.NotBefore.Sub(now)))),
		"it goes on by itself; if this happens often, ask the provider for a higher limit").
		when(now.Before(c.Row.NotBefore) && c.Row.LastOutcome == outcome.RateLimited)
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
