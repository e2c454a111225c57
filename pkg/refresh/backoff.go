package refresh

import (
	"errors"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// unanswered reports whether a call of that kind says that the provider itself was not there.
// A page of somebody in front of it is no answer of the provider's.
func unanswered(kind providers.Kind) bool {
	return kind == providers.NotSent || kind == providers.Unknown || kind == providers.TurnedAway
}

// retryAt is when a call is made again that failed for the nth time in a row and may do no
// harm.
func (v View) retryAt(n int) time.Time {
	return v.Now.Add(pace.RetryEarly(n, v.timeLeft(), v.tick))
}

// refusedAt is when credentials are presented again that were refused for the nth time in a
// row.
func (v View) refusedAt(n int) time.Time { return v.Now.Add(pace.RefusedCredentials(n)) }

// timeLeft is how long an attempt can still save the tokens, if it begins within that time.
func (v View) timeLeft() time.Duration { return saveUntil(v.Row).Sub(v.Now) - v.takes }

// saveUntil is when the tokens end that a refresh replaces: the access token, or the refresh
// token if it is known to end before.
func saveUntil(r store.Row) time.Time {
	ends := r.RefreshExpiresAt
	chased := r.RefreshAt.Before(ends) // else a login makes a new one
	if !ends.IsZero() && ends.Before(r.AccessExpiresAt) && chased {
		return ends
	}
	return r.AccessExpiresAt
}

// asked is the wait that the provider has asked for; 0: none.
func (v View) asked() time.Duration {
	var limited *providers.Error
	if errors.As(v.ended.cause, &limited) {
		return limited.RetryAfter
	}
	return 0
}

// askedUntil is when a rate limit lets the next call through.
func (v View) askedUntil() time.Time {
	return v.Now.Add(pace.RetryAfter(v.asked(), v.Row.AccessExpiresAt.Sub(v.Now)))
}

// loginNotBefore is when a row allows the next login. Older releases had one wait for all.
func loginNotBefore(r store.Row) time.Time {
	if r.LoginFailures > 0 && r.LoginNotBefore.IsZero() {
		return r.NotBefore
	}
	return r.LoginNotBefore
}

// backsOff reports whether a row waits after a call that failed, and an edit would end that
// wait. One that the provider has asked for ends by itself.
func backsOff(r store.Row, now time.Time) bool {
	return now.Before(notBefore(r, now)) && r.LastOutcome != outcome.RateLimited
}

// awaitsEdit reports whether a row waits for something that a person may put in.
func awaitsEdit(r store.Row, now time.Time) bool {
	return r.Phase != store.Sending && (waits(r) || backsOff(r, now))
}

// lives reports whether the newest chain has a refresh token that may be presented.
func (v View) lives() bool {
	c, err := v.newest()
	return err == nil && !c.refreshToken.Blank() && !v.presented(c.refreshToken) && (v.carried() || !v.unaccounted())
}

// stateAfter is the state of a credential whose chain is c from now on. Without a refresh token
// and a login nothing replaces it, and the provider has acted on the last token.
func (v View) stateAfter(c chain) store.State {
	if c.refreshToken.Blank() && v.session != nil && !v.CanLogin() {
		return store.Uncertain
	}
	return store.OK
}

// host is where calls go; empty: the provider does not tell.
func (v View) host() string {
	if s, located := v.session.(providers.Located); located {
		return s.Host()
	}
	return ""
}
