package refresh

import (
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// attemptsLeft is Result.AttemptsLeft of a run that began then and had that outcome.
func (a *visit) attemptsLeft(began time.Time, what outcome.Outcome) int {
	r := a.v.Row
	switch {
	case TriedAgain(r):
	case needsPerson(r), what == outcome.Dead, what == outcome.Uncertain, what == outcome.Misconfigured:
		return 0
	}
	return Outlook(r, a.needed()).AttemptsLeft(began, a.Tick)
}

// Outlook is what the next attempts at a row's tokens depend on. Each takes at most takes.
func Outlook(r store.Row, takes time.Duration) pace.Outlook {
	o := pace.Outlook{
		From: later(r.RefreshAt, r.NotBefore), Until: saveUntil(r), Takes: takes,
		Failures: r.RefreshFailures, Early: true,
	}
	if r.LoginFailures > 0 && r.NotBefore.Equal(loginNotBefore(r)) { // no refresh token is left
		o.Failures = r.LoginFailures
		o.Refused = TriedAgain(r) && r.LoginRefusals > 0
	}
	switch {
	case o.Refused:
		o.Failures = r.LoginRefusals
	case TriedAgain(r) && r.RefreshRefusals > 0:
		o.Failures, o.Refused = r.RefreshRefusals, true
	}
	if r.Phase == store.Sending { // if that attempt died, the next comes when its claim ends
		o.From = r.ClaimedUntil
	}
	return o
}

// TriedAgain reports whether a row may need a person and is also tried again by itself.
func TriedAgain(r store.Row) bool { return r.State == store.Misconfigured && !SecretsUnreadable(r) }

// NextAttempt is when a run will next try something; in the past if it should have already. Zero:
// not before a person has acted.
func (v View) NextAttempt() time.Time {
	r := v.Row
	switch {
	case r.Unreadable != nil:
		return time.Time{}
	case !v.idle():
		return r.ClaimedUntil
	case r.Paused, !v.Exists:
		return time.Time{}
	}
	if from, ok := v.SentAgain(); ok {
		return from
	}
	switch {
	case TriedAgain(r):
	case v.Stuck():
		return time.Time{}
	}
	if r.RefreshAt.IsZero() {
		return r.RefreshAt
	}
	return later(r.RefreshAt, r.NotBefore)
}
