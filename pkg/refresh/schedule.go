package refresh

import (
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// leastInterval between automatic refreshes: Secrets Manager asks for at most
	// one PutSecretValue in 10 minutes, sustained; more reaches its version quota.
	leastInterval = 10 * time.Minute
)

// refreshAt is when an access token is due for a refresh: as pace.Refresh says, but
// not so often that the secrets' quota of versions is reached.
func refreshAt(key store.Key, issued, expires time.Time) time.Time {
	lifetime := expires.Sub(issued)
	wait := pace.Refresh(key.String(), lifetime)
	if lifetime > leastInterval+pace.MarginFloor/2 {
		return issued.Add(max(wait, leastInterval))
	}
	return issued.Add(wait) // too short for that: readers come first, and the escrow meets the quota
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
