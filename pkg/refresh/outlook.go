package refresh

import (
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// attemptsLeft is Result.AttemptsLeft after a run that began then and ended as what.
func (a *attempt) attemptsLeft(began time.Time, what outcome.Outcome) int {
	r := a.v.Row
	switch {
	case waits(r), what == outcome.Dead, what == outcome.Uncertain, what == outcome.Misconfigured:
		return 0
	}
	return Outlook(r, a.takes()).AttemptsLeft(began, a.Tick)
}

// Outlook is what the coming attempts at a row's tokens depend on, each of which takes so
// long at most.
func Outlook(r store.Row, takes time.Duration) pace.Outlook {
	o := pace.Outlook{
		From: later(r.RefreshAt, r.NotBefore), Until: saveUntil(r), Takes: takes,
		Failures: r.RefreshFailures, Early: true,
	}
	if r.LoginFailures > 0 && r.NotBefore.Equal(loginNotBefore(r)) { // no refresh token is left
		o.Failures = r.LoginFailures
	}
	if r.Phase == store.Sending { // whoever died at it left its work to the end of its claim
		o.From = r.ClaimedUntil
	}
	return o
}

// NextAttempt is when a run will next try something, and in the past if it should have tried
// already. Zero: not before a person has acted.
func (v View) NextAttempt() time.Time {
	r := v.Row
	switch {
	case r.Unreadable != nil:
		return time.Time{}
	case !v.idle():
		return r.ClaimedUntil
	case r.Paused, !v.Exists:
		return time.Time{}
	case r.State == store.Misconfigured && !SecretsUnreadable(r): // it is tried again, far apart
	case v.WaitsForPerson():
		return time.Time{}
	}
	if r.RefreshAt.IsZero() {
		return r.RefreshAt
	}
	return later(r.RefreshAt, r.NotBefore)
}
