package refresh

import (
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// Clocks decide when to try, and any of them may be wrong: this run's, and that of the run which
// wrote the row. This file limits the effects of a wrong one.

// clockSlack is how far right clocks may differ, including the time of a store's call.
const clockSlack = 2 * time.Minute

// ahead reports whether a row's times are further ahead than a token lives: the clock of the run
// that wrote them was ahead, or this one is behind.
func ahead(r store.Row, now time.Time) bool {
	if r.AccessExpiresAt.IsZero() {
		return false
	}
	life := r.AccessExpiresAt.Sub(r.IssuedAt)
	if r.IssuedAt.IsZero() { // a token is due while at least a fifth of its life is left
		life = 5 * r.AccessExpiresAt.Sub(r.RefreshAt)
	}
	return r.IssuedAt.Sub(now) > clockSlack || life > 0 && r.RefreshAt.Sub(now) > life+clockSlack
}

// believed is a wait's end, or zero if it is further away than the longest wait that a run sets:
// then a wrong clock has written it.
func believed(end, now time.Time, longest time.Duration) time.Time {
	if end.Sub(now) > longest+clockSlack {
		return time.Time{}
	}
	return end
}

// notBefore is when a row allows the next call.
func notBefore(r store.Row, now time.Time) time.Time {
	longest := pace.MaxRetry
	switch {
	case r.RefreshRefusals > 0 || r.LoginRefusals > 0:
		longest = pace.MaxRefusedWait
	case r.LastOutcome == outcome.RateLimited || r.LoginNotBefore.IsZero(): // or of an older release
		longest = pace.MaxRetryAfter
	}
	return believed(r.NotBefore, now, longest)
}

// claimOver reports whether a claim has run out. A claim that seems to last longer than any can is
// waited for as long as the longest, counted from when a run first saw it; watch reports that this
// moment must be written now.
func (v View) claimOver() (over, watch bool) {
	r := v.Row
	switch {
	case !v.Now.Before(r.ClaimedUntil):
		return true, false
	case v.longest == 0 || r.ClaimedUntil.Sub(v.Now) <= v.longest:
		return false, false
	case r.ClaimSeenAt.IsZero() || r.ClaimSeenAt.After(v.Now):
		return false, true
	}
	return v.Now.Sub(r.ClaimSeenAt) >= v.longest, false
}

// young reports whether the clocks disagree and the current version is, by the store's clock, too
// young to be replaced. Otherwise two runs with different clocks would replace it in turn.
func (v View) young() bool {
	r, c, age := v.Row, v.chain, v.Tokens.Age
	prompt := r.LastOutcome == outcome.Refreshed || r.LastOutcome == outcome.LoggedIn // a recovered version was stored late
	inPlace := prompt && v.current() == ofRow && c.attemptID == v.Tokens.ID && r.PublishedVersionID == r.VersionID && !needsPerson(r)
	switch {
	case !inPlace, age <= 0, age >= minInterval, !mayWait(c.accessExpiresAt.Sub(c.issuedAt)):
		return false
	case !c.refreshToken.Blank() && !v.lives():
		return false
	}
	disagree := func(issued time.Time) bool { return (v.Now.Sub(issued) - age).Abs() > clockSlack }
	return disagree(c.issuedAt) || !r.IssuedAt.IsZero() && disagree(r.IssuedAt)
}
