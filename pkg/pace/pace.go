// Package pace computes when to try and how long to wait, for both engines. It spreads times by
// name and not by chance, so that every process computes the same time.
package pace

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"
)

const (
	// MarginFloor leaves two ticks and a retry before a token expires.
	MarginFloor = 180 * time.Second
	// Unusable is the wait for a token whose lifetime makes no sense. It prevents a hot loop.
	Unusable = 10 * time.Minute

	// LastWord is what a provider call may take beyond its timeout. So its client ends it first,
	// and knows the reason.
	LastWord = 250 * time.Millisecond

	// jitterShare spreads tokens of the same moment.
	jitterShare = 0.05

	retryFirst       = time.Minute
	retryAfterUnsaid = time.Minute // a rate limit that names no wait

	// MaxRetry is the longest wait of Retry.
	MaxRetry = 5 * time.Minute
	// MaxRetryAfter is the longest wait of RetryAfter.
	MaxRetryAfter = time.Hour
	// MaxRefusedWait is the longest wait of RefusedCredentials.
	MaxRefusedWait = 24 * time.Hour
)

// Refresh is how long after its issue an access token is due for a refresh:
// lifetime − min(max(180 s, 20 %), 50 % of the lifetime), up to 5 % earlier, the same
// for the same name.
func Refresh(name string, lifetime time.Duration) time.Duration {
	if lifetime <= 0 {
		return Unusable
	}
	margin := min(max(MarginFloor, lifetime/5), lifetime/2)
	wait := lifetime - margin
	return wait - time.Duration(float64(wait)*jitterShare*fraction(name))
}

// fraction is a number in [0, 1) that depends on name alone.
func fraction(name string) float64 { return float64(hash(name)>>11) / (1 << 53) }

// hash spreads names over all of its bits. FNV alone does not: in names that differ at their
// ends, such as merchant-0001 and merchant-0002, it changes the upper bits too little, so they
// are mixed once more (the last steps of MurmurHash3).
func hash(name string) uint64 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(name))
	h := f.Sum64()
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Lot decides between equals in a run that began then: the lower goes first. It is another number
// in each run, so that no name is always the last.
func Lot(name string, began time.Time) uint64 {
	return hash(name + strconv.FormatInt(began.UnixNano(), 36))
}

// Retry is the wait after the nth failure in a row, if another try does no harm: 1, 2, 4 minutes,
// then 5. left is how long an attempt can still be in time, from now, and tick the time between two
// runs: the wait never skips the last run in that time.
func Retry(n int, left, tick time.Duration) time.Duration {
	wait := retryFirst
	for ; n > 1 && wait < MaxRetry; n-- {
		wait *= 2
	}
	wait = min(wait, MaxRetry)
	if left > 0 {
		wait = min(wait, max(0, left-tick))
	}
	return wait
}

// RetryEarly is Retry with half a tick left out, so that the tick at the wait's end is not
// missed.
func RetryEarly(n int, left, tick time.Duration) time.Duration {
	return max(0, Retry(n, left, tick)-tick/2)
}

// RefusedCredentials is the wait after the nth refusal in a row of the credentials
// themselves: an hour, six, then a day. Providers lock accounts after a few more.
func RefusedCredentials(n int) time.Duration {
	waits := []time.Duration{time.Hour, 6 * time.Hour, MaxRefusedWait}
	return waits[min(max(n, 1), len(waits))-1]
}

const (
	// fewWaiting is how many accounts may wait for an edit, so that each run still looks at all of
	// them.
	fewWaiting = 20
	// editEvery is how often a run looks at each account if there are more.
	editEvery = 5 * time.Minute
)

// LookForEdit reports whether a run looks for an edit of the credentials of an account that waits.
// Each run does while few accounts wait, else one run in five minutes, spread by name.
func LookForEdit(name string, waiting int, now time.Time, tick time.Duration) bool {
	tick = max(tick, time.Second)
	runs := uint64(editEvery / tick)
	if waiting <= fewWaiting || runs <= 1 {
		return true
	}
	run := uint64(now.Unix() / int64(tick/time.Second)) //nolint:gosec // no clock is before 1970
	return run%runs == hash(name)%runs
}

// RetryAfter limits the wait that a provider asked for; 0: it named none. The wait does not outlast
// left, the rest of the access token's life: once the token has ended, waiting longer saves
// nothing.
func RetryAfter(asked, left time.Duration) time.Duration {
	if asked <= 0 {
		asked = retryAfterUnsaid
	}
	return max(time.Second, min(asked, max(left, retryAfterUnsaid), MaxRetryAfter))
}

// Sleep waits for d; false if ctx ends before.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Enough is an error if ctx leaves less time than need. Without a deadline there is always enough.
func Enough(ctx context.Context, need time.Duration) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	if left := time.Until(deadline); left < need {
		return fmt.Errorf("%s left, an attempt may need %s: nothing was sent", left.Round(time.Millisecond), need)
	}
	return nil
}

// Bounded gives ctx a deadline if it has none.
func Bounded(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, most)
}
