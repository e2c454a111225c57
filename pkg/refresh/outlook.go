package refresh

import (
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// Outlook is what the coming attempts at a row's tokens depend on. takes is what an attempt
// may need from its begin until readers have the new token.
func Outlook(r store.Row, takes time.Duration) pace.Outlook {
	o := pace.Outlook{
		From: later(r.RefreshAt, r.NotBefore), Until: r.AccessExpiresAt, Takes: takes,
		BacksOff: r.LoginFailures > 0, Failures: r.LoginFailures,
	}
	if r.Phase == store.Sending { // its run may have died: then its work waits for the end of its claim
		o.From = r.ClaimedUntil
	}
	if ends := r.RefreshExpiresAt; !ends.IsZero() && ends.Before(o.Until) {
		o.Until = ends
	}
	return o
}

// attemptsLeft is Result.AttemptsLeft after a run that began then and ended as what.
func (a *attempt) attemptsLeft(began time.Time, what outcome.Outcome) int {
	switch {
	case waits(a.v.Row), what == outcome.Dead, what == outcome.Uncertain, what == outcome.Misconfigured:
		return 0
	}
	return Outlook(a.v.Row, a.takes()).AttemptsLeft(began, a.Tick)
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
	case r.Paused, v.WaitsForPerson(), !v.Exists:
		return time.Time{}
	case r.RefreshAt.IsZero():
		return r.RefreshAt
	}
	return later(r.RefreshAt, r.NotBefore)
}
