package refresh

import (
	"time"

	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// minInterval is the shortest time between two automatic refreshes. Secrets Manager asks for at
	// most one PutSecretValue in 10 minutes in the long run; more reaches its quota of versions.
	minInterval = 10 * time.Minute
)

// refreshAt is when an access token is due for a refresh: by pace.Refresh, but not so often that
// the secrets' quota of versions is reached.
func refreshAt(key store.Key, issued, expires time.Time) time.Time {
	lifetime := expires.Sub(issued)
	wait := pace.Refresh(key.String(), lifetime)
	if mayWait(lifetime) {
		return issued.Add(max(wait, minInterval))
	}
	return issued.Add(wait) // readers need a token; if the quota is reached, the escrow keeps the chain
}

// VersionsADay is how many versions a day of tokens and access a chain needs whose access tokens
// live so long.
func VersionsADay(key store.Key, lifetime time.Duration) int {
	var issued time.Time
	return int(day / refreshAt(key, issued, issued.Add(lifetime)).Sub(issued))
}

// mayWait reports whether tokens live long enough to delay a refresh for the quota's sake.
func mayWait(lifetime time.Duration) bool { return lifetime > minInterval+pace.MarginFloor/2 }

// dueAt is when the chain c is due. A refresh token that ends before the access token is renewed in
// time, unless a login makes a new one.
func (v View) dueAt(c chain) time.Time {
	due := refreshAt(v.Row.Key, c.issuedAt, c.accessExpiresAt)
	if endsFirst(c) && !v.canLogin {
		sooner := later(refreshAt(v.Row.Key, c.issuedAt, c.refreshExpiresAt), c.issuedAt.Add(minInterval))
		if sooner.Before(due) {
			return sooner
		}
	}
	return due
}

// endsFirst reports whether the refresh token of a chain ends before its access token.
func endsFirst(c chain) bool {
	return !c.refreshToken.Blank() && !c.refreshExpiresAt.IsZero() && c.refreshExpiresAt.Before(c.accessExpiresAt)
}

// sessionEnds reports whether the refresh that brought c has not lengthened the life of the
// access token before it: the provider's session ends, and another refresh gains nothing.
func sessionEnds(r store.Row, c chain) bool {
	return c.source == store.FromRefresh && !r.IssuedAt.IsZero() && c.issuedAt.Sub(r.IssuedAt) > time.Minute &&
		!c.accessExpiresAt.After(r.AccessExpiresAt)
}

// loginInstead reports whether a login is better than a refresh with c: its refresh token has
// expired, or the session is about to end.
func (v View) loginInstead(c chain) bool {
	ended := !c.refreshExpiresAt.IsZero() && !v.Now.Before(c.refreshExpiresAt) || v.Row.SessionEnds
	_, waits := v.loginWaits()
	return ended && v.canLogin && !waits
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
