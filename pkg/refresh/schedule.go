package refresh

import (
	"hash/fnv"
	"time"
)

const (
	// marginFloor leaves two ticks and a retry before the token expires.
	marginFloor = 180 * time.Second
	// leastInterval between automatic refreshes: Secrets Manager asks for at most
	// one PutSecretValue in 10 minutes, sustained; more reaches its version quota.
	leastInterval = 10 * time.Minute
	// shortInterval is the floor for tokens that live too short for leastInterval:
	// then readers come first and the quota is met by the escrow.
	shortInterval = time.Minute
	// jitterShare spreads credentials that were made in the same moment.
	jitterShare = 0.05

	loginBackoffFirst = time.Minute
	loginBackoffMost  = time.Hour

	retryAfterUnsaid = time.Minute // a rate limit that names no wait
	retryAfterMost   = time.Hour
)

// refreshAt is when an access token is due for a refresh:
// issued + lifetime − min(max(180 s, 20 %), 50 % of the lifetime), up to 5 %
// earlier, the same for the same key.
func refreshAt(key Key, issued, expires time.Time) time.Time {
	lifetime := expires.Sub(issued)
	if lifetime <= 0 {
		// A lifetime that makes no sense must not become a hot loop.
		return issued.Add(leastInterval)
	}
	margin := min(max(marginFloor, lifetime/5), lifetime/2)
	wait := lifetime - margin
	wait -= time.Duration(float64(wait) * jitterShare * fraction(key))
	if lifetime > leastInterval+marginFloor/2 {
		return issued.Add(max(wait, leastInterval))
	}
	return issued.Add(max(wait, shortInterval))
}

// fraction is a number in [0, 1) that depends on key alone.
func fraction(key Key) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key.String()))
	return float64(h.Sum64()>>11) / (1 << 53)
}

// loginBackoff is the wait after the nth login in a row that did not succeed.
func loginBackoff(n int) time.Duration {
	d := loginBackoffFirst
	for ; n > 1 && d < loginBackoffMost; n-- {
		d *= 2
	}
	return min(d, loginBackoffMost)
}

// clampRetryAfter keeps a provider's wait from outlasting the access token: with
// nothing left to lose there is no reason to wait longer.
func clampRetryAfter(asked, left time.Duration) time.Duration {
	if asked <= 0 {
		asked = retryAfterUnsaid
	}
	return max(time.Second, min(asked, max(left, retryAfterUnsaid), retryAfterMost))
}
