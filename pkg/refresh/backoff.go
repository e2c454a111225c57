package refresh

import (
	"errors"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

// retryAt is when a call is made again after its nth failure in a row without harm.
func (v View) retryAt(n int) time.Time {
	left := saveUntil(v.Row).Sub(v.Now) - v.needed // in which an attempt may still wait and save the tokens
	return v.Now.Add(pace.RetryEarly(n, left, v.tick))
}

// refusedAt is when credentials are presented again after their nth refusal in a row.
func (v View) refusedAt(n int) time.Time { return v.Now.Add(pace.RefusedCredentials(n)) }

// saveUntil is until when tokens can be replaced in time: until the access token ends, or the
// refresh token if that ends first and is needed. It is needed if the row is due before it ends:
// with a login, dueAt lets it end and the login makes another.
func saveUntil(r store.Row) time.Time {
	ends := r.RefreshExpiresAt
	needed := r.RefreshAt.Before(ends)
	if !ends.IsZero() && ends.Before(r.AccessExpiresAt) && needed {
		return ends
	}
	return r.AccessExpiresAt
}

// asked is the wait that the provider has asked for; 0: none.
func (v View) asked() time.Duration {
	if limited, ok := errors.AsType[*providers.Error](v.ended.cause); ok {
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

// loginWaits reports whether the next login backs off, and until when.
func (v View) loginWaits() (until time.Time, waits bool) {
	until = believed(loginNotBefore(v.Row), v.Now, pace.MaxRefusedWait)
	return until, v.Row.LoginFailures > 0 && v.Now.Before(until)
}

// awaitsEdit reports whether a row waits for something that a person may put in. An edit does not
// end a wait that the provider has asked for.
func awaitsEdit(r store.Row, now time.Time) bool {
	backsOff := now.Before(notBefore(r, now)) && r.LastOutcome != outcome.RateLimited
	return r.Phase != store.Sending && (needsPerson(r) || backsOff)
}

// host is the host of calls; empty: not known.
func (v View) host() string {
	if s, located := v.session.(providers.Located); located {
		return s.Host()
	}
	return ""
}
