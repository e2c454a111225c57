package pace

import "time"

// MaxAttempts is the largest count of AttemptsLeft: a day of ticks a minute apart. More are never
// needed.
const MaxAttempts = 24 * 60

// Outlook is what the next attempts at a token depend on. After each failure the wait grows as in
// Retry.
type Outlook struct {
	From     time.Time     // no attempt begins before: the due time, a back-off, another run's claim
	Until    time.Time     // when the token that is to be replaced ends; zero: there is none
	Takes    time.Duration // what an attempt may need from its begin until readers have the new token
	Failures int           // in a row until now
	// Early: each wait leaves half a tick out, as RetryEarly does.
	Early bool
	// Refused: the failures are refusals of the credentials, after which the waits are those of
	// RefusedCredentials.
	Refused bool
}

// wait is the wait after the nth failure in a row, with left until the last attempt that can be in
// time.
func (o Outlook) wait(n int, left, tick time.Duration) time.Duration {
	switch {
	case o.Refused:
		return RefusedCredentials(n)
	case o.Early:
		return RetryEarly(n, left, tick)
	}
	return Retry(n, left, tick)
}

// AttemptsLeft counts the attempts that can still be in time, if all of them fail without harm: the
// first tick after now that comes at or after From, those that come after each further wait, and
// none that comes later than Takes before Until.
//
// now is when the last tick came, tick the time between two. For a run between two ticks the count
// may be one too high or too low. Waits that a provider may ask for are not counted.
func (o Outlook) AttemptsLeft(now time.Time, tick time.Duration) int {
	if o.Until.IsZero() || tick <= 0 {
		return 0
	}
	last := o.Until.Add(-o.Takes)
	at := now.Add(tick)
	if wait := o.From.Sub(at); wait > 0 {
		at = at.Add((wait + tick - 1).Truncate(tick))
	}
	attempts := 0
	for ; !at.After(last) && attempts < MaxAttempts; attempts++ {
		// The wait begins when the attempt ends, a moment after its tick.
		wait := o.wait(o.Failures+attempts+1, last.Sub(at), tick)
		at = at.Add(wait.Truncate(tick) + tick)
	}
	return attempts
}
