package refresh_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

const years = 12 * 365 * 24 * time.Hour

// skewed is a tick of a run whose clock is off.
func skewed(w *rt.World, by time.Duration, req refresh.Request) refresh.Result {
	req.RunID = "skewed"
	return w.SkewedEngine(nil, by).Run(context.Background(), req)[0]
}

// Times of a wrong clock make the credential due once.
func TestClockWasAhead(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{10 * time.Minute, 2 * time.Hour, years} {
		for _, lifetime := range []time.Duration{5 * time.Minute, 15 * time.Minute, 10 * time.Hour} {
			inBubble(t, fmt.Sprint(ahead, lifetime), func(t *testing.T) {
				w := rt.New()
				w.Provider.Lifetime = lifetime
				setupDue(w)
				loginOff(w)
				assert.Equal(t, skewed(w, ahead, refresh.Request{Force: true}).Outcome, outcome.Refreshed)
				since, refreshes := 0, 0
				for n := range 15 {
					w.Advance(time.Minute)
					if got := tick(w, nil); got.Outcome == outcome.Refreshed {
						if refreshes++; refreshes == 1 {
							since = n + 1
						}
					}
				}
				assert.Check(t, since != 0)
				assert.Check(t, since <= 10)
				assert.Check(t, refreshes <= 1+int(15*time.Minute/lifetime)*2)
				wantHealthy(t, w)
			})
		}
	}
}

// A row of an older release has no time of issue.
func TestClockWasAheadInAnOldRow(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		loginOff(w)
		skewed(w, 2*time.Hour, refresh.Request{})
		change(w, func(r *store.Row) { r.IssuedAt = time.Time{} })
		wantAfter(t, w, 10*time.Minute, outcome.Refreshed)
	})
}

// Two runs whose clocks are an hour apart make no more versions than the quota allows.
func TestTwoClocks(t *testing.T) {
	t.Parallel()
	for _, apart := range []time.Duration{3 * time.Minute, time.Hour, years} {
		inBubble(t, fmt.Sprint(apart), func(t *testing.T) {
			w := live(t)
			before := w.Provider.Calls(rt.Refresh) + w.Provider.Calls(rt.Login)
			for range 24 * 60 {
				skewed(w, apart, refresh.Request{})
				tick(w, nil)
				w.Advance(time.Minute)
				assert.Assert(t, lasts(w) > 0, "readers have no token")
			}
			assert.Check(t, w.Provider.Calls(rt.Refresh)+w.Provider.Calls(rt.Login)-before <= 144)
		})
	}
}

// A back-off that a wrong clock set ends as if the clock had been right.
func TestWaitOfAWrongClock(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]providers.Kind{"not sent": providers.NotSent, "rate limited": providers.RateLimited} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			w.Provider.Answer = rt.Fail(rt.Refresh, kind, false)
			skewed(w, years, refresh.Request{})
			w.Provider.Answer = nil
			wantAfter(t, w, time.Minute, outcome.Refreshed)
		})
	}
}

// A claim that seems to last for ever is waited for as long as the longest, from when it was
// first seen.
func TestClaimOfAWrongClock(t *testing.T) {
	t.Parallel()
	for name, seen := range map[string]time.Duration{"never seen": 0, "seen in the future": time.Hour} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			w.SkewedEngine(at(sends, 1, 0, rt.DieBefore), 2*time.Hour).Run(t.Context(), refresh.Request{RunID: "ahead"})
			if seen > 0 {
				change(w, func(r *store.Row) { r.ClaimSeenAt = w.Now().Add(seen) })
			}
			for n := range 5 {
				got := tick(w, nil)
				assert.Equal(t, got.Outcome == outcome.Busy, n < 2, "after %d minutes: %s: %v", n, got.Outcome, got.Err)
				if got.Outcome == outcome.LoggedIn {
					break
				}
				w.Advance(time.Minute)
			}
			wantHealthy(t, w)
		})
	}
	inBubble(t, "its holder lives", func(t *testing.T) {
		w := live(t)
		inner := outcome.Outcome("")
		w.Provider.OnCall = func(rt.Op) {
			if inner == "" {
				inner = tick(w, nil).Outcome
			}
		}
		if got := skewed(w, 2*time.Hour, refresh.Request{}); got.Outcome != outcome.Refreshed || inner != outcome.Busy {
			t.Errorf("%s beside %s: %v", got.Outcome, inner, got.Err)
		}
	})
	inBubble(t, "a dry run writes nothing", func(t *testing.T) {
		w := live(t)
		w.SkewedEngine(at(sends, 1, 0, rt.DieBefore), 2*time.Hour).Run(t.Context(), refresh.Request{RunID: "ahead"})
		run(w, nil, refresh.Request{DryRun: true})
		assert.Check(t, row(w).ClaimSeenAt.IsZero(), "it has")
	})
}

// A refresh token that ends before the access token is renewed in time if no login makes a new one,
// but not more often than the quota allows.
func TestRefreshTokenEndsFirst(t *testing.T) {
	t.Parallel()
	for _, lives := range []time.Duration{12 * time.Minute, time.Hour, 2 * time.Hour} {
		inBubble(t, lives.String(), func(t *testing.T) {
			w := rt.New()
			w.Provider.Lifetime, w.Provider.RefreshLifetime = 10*time.Hour, lives
			loginOff(w)
			w.Seed(rt.Default)
			warned := 0
			for range 24 * 60 {
				got := tick(w, nil)
				for _, warning := range got.Warnings {
					if strings.Contains(warning, "ends before") {
						warned++
					}
				}
				if got.Outcome == outcome.Refreshed && row(w).RefreshAt.Sub(w.Now()) < 10*time.Minute {
					t.Fatalf("due again in %s", row(w).RefreshAt.Sub(w.Now()))
				}
				assert.Assert(t, w.Now().Before(row(w).RefreshExpiresAt), "the refresh token has ended")
				w.Advance(time.Minute)
			}
			assert.Check(t, warned != 0, "no warning")
		})
	}
	inBubble(t, "with a login it is not chased", func(t *testing.T) {
		w := rt.New()
		w.Provider.Lifetime, w.Provider.RefreshLifetime = 10*time.Hour, 30*time.Minute
		for range 24 * 60 {
			got := tick(w, nil)
			assert.Assert(t, got.AttemptsLeft >= 2 || got.Outcome == outcome.LoggedIn, "%s with %d attempts left", got.Outcome, got.AttemptsLeft)
			w.Advance(time.Minute)
		}
		logins, refreshes := w.Provider.Calls(rt.Login), w.Provider.Calls(rt.Refresh)
		assert.Check(t, logins <= 4 && refreshes == 0, "%d logins and %d refreshes in a day", logins, refreshes)
	})
}

// When the provider's session ends, refreshes gain nothing: then, and no earlier, a login is made.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		w.Provider.Lifetime, w.Provider.Session = time.Hour, 10*time.Hour
		tick(w, nil)
		for range 40 * 60 {
			after(w, time.Minute)
			if access, _ := read(w, store.AccessDoc); w.Provider.Remaining(access.AccessToken) <= 0 {
				t.Fatal("readers have no token")
			}
		}
		logins := w.Provider.Calls(rt.Login)
		assert.Check(t, logins >= 4 && logins <= 5, "%d logins in 40 hours, want one in ten", logins)
		assert.Check(t, w.Provider.Calls(rt.Refresh) >= 40)
	})
	inBubble(t, "the login is refused", func(t *testing.T) {
		w := rt.New()
		w.Provider.Lifetime, w.Provider.Session = time.Hour, 10*time.Hour
		tick(w, nil)
		wrongPassword(w)
		for range 11 * 60 {
			after(w, time.Minute)
			access, _ := read(w, store.AccessDoc)
			over := w.Provider.Calls(rt.Login) > 3
			assert.Assert(t, w.Provider.Remaining(access.AccessToken) > 0 || over || w.Now().Hour() >= 21, "readers have no token at %s", w.Now())
		}
		assert.Check(t, w.Provider.Calls(rt.Login) <= 4)
	})
}
