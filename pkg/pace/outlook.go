package pace

import "time"

// MostAttempts is the largest count of AttemptsLeft: a day of ticks a minute apart. Who
// has more has enough.
const MostAttempts = 24 * 60

// Outlook is what the coming attempts at a token depend on.
type Outlook struct {
	From  time.Time     // no attempt begins before: the due time, a back-off, another run's claim
	Until time.Time     // when the token that is to be replaced ends; zero: there is none
	Takes time.Duration // what an attempt may need from its begin until readers have the new token
	// BacksOff: after each failure the wait grows, as Backoff says. Else every tick from From
	// on makes an attempt.
	BacksOff bool
	// Retries: it backs off as Retry says, and not as Backoff.
	Retries  bool
	Failures int // in a row until now, where it backs off
	// Aligned: each wait leaves half a tick out, so that the tick at its end is not missed.
	Aligned bool
}

// AttemptsLeft counts the attempts to come that can still be in time, if all of them
// fail and none does harm: the ticks after now that come at or after From (where it
// backs off, those that come after each further wait) and at least Takes before Until.
//
// now is when the last tick came, tick the time between two. For a run between two ticks
// the count may be one too high or too low. A wait that a provider will ask for is not
// foreseen.
func (o Outlook) AttemptsLeft(now time.Time, tick time.Duration) int {
	if o.Until.IsZero() || tick <= 0 {
		return 0
	}
	last := int(o.Until.Add(-o.Takes).Sub(now) / tick) // the ticks to come are 1, 2, …
	next := 1
	if wait := o.From.Sub(now); wait > tick {
		next += int((wait - 1) / tick)
	}
	if !o.BacksOff && !o.Retries {
		return min(max(0, last-next+1), MostAttempts)
	}
	attempts := 0
	for failures := o.Failures + 1; next <= last && attempts < MostAttempts; failures++ {
		attempts++
		// The wait begins when the attempt does, a moment after its tick.
		wait := Backoff(failures)
		if o.Retries {
			wait = min(wait, retryMost)
		}
		after := next + int(wait/tick) + 1
		if o.Aligned {
			after = next + max(1, int((wait+tick/2-1)/tick))
		}
		if o.Retries && next < last {
			after = min(after, last) // the last attempt is never skipped
		}
		next = after
	}
	return attempts
}
