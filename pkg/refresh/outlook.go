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
	case r.State != store.OK && r.State != "",
		what == outcome.Dead, what == outcome.Uncertain, what == outcome.Misconfigured:
		return 0
	}
	return Outlook(r, a.takes()).AttemptsLeft(began, a.Tick)
}

// Outlook is what the coming attempts at a row's tokens depend on, each of which takes so
// long at most.
func Outlook(r store.Row, takes time.Duration) pace.Outlook {
	o := pace.Outlook{
		From: later(r.RefreshAt, r.NotBefore), Until: saveUntil(r), Takes: takes,
		Retries: true, Aligned: true, Failures: r.RefreshFailures,
	}
	if r.LoginFailures > 0 && r.NotBefore.Equal(loginNotBefore(r)) { // no refresh token is left
		o.Failures = r.LoginFailures
	}
	if r.Phase == store.Sending { // whoever died at it left its work to the end of its claim
		o.From = r.ClaimedUntil
	}
	return o
}
