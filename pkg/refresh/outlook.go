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
	o := pace.Outlook{
		From: r.RefreshAt, Until: r.AccessExpiresAt, Takes: a.SendTimeout + a.StoreTimeout,
		BacksOff: r.LoginFailures > 0, Failures: r.LoginFailures,
	}
	if r.NotBefore.After(o.From) {
		o.From = r.NotBefore
	}
	if r.Phase == store.Sending { // whoever died at it left its work to the end of its claim
		o.From = r.ClaimedUntil
	}
	if ends := r.RefreshExpiresAt; !ends.IsZero() && ends.Before(o.Until) {
		o.Until = ends
	}
	return o.AttemptsLeft(began, a.Tick)
}
