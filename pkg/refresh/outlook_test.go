package refresh_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// AttemptsLeft counts the attempts that follow if all of them fail, up to the last that could be in
// time.
func TestAttemptsLeftAreMade(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lifetime time.Duration
		fails    providers.Kind
		counted  int // after the first failure
	}{
		"refreshes that never get through": {15 * time.Minute, providers.NotSent, 2},
		"rate limits that name no wait":    {15 * time.Minute, providers.RateLimited, 2},
		"logins that back off":             {15 * time.Minute, providers.Unknown, 2},
		"refreshes for hours":              {3 * time.Hour, providers.NotSent, 9},
		"logins that back off for hours":   {10 * time.Hour, providers.Unknown, 28},
		"pages of a gateway":               {15 * time.Minute, providers.TurnedAway, 2},
		"pages of a gateway for hours":     {3 * time.Hour, providers.TurnedAway, 9},
		"refused credentials":              {15 * time.Minute, providers.Misconfigured, 0},
		"refused credentials for hours":    {10 * time.Hour, providers.Misconfigured, 1},  // after an hour; the next comes too late
		"refused credentials for days":     {100 * time.Hour, providers.Misconfigured, 2}, // after 1 h and 7 h
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			w.Provider.Lifetime = tt.lifetime
			tick(w, nil)
			ends, tries := row(w).AccessExpiresAt, 0
			w.Provider.Answer = func(rt.Op) (bool, error) {
				tries++
				return false, &providers.Error{Kind: tt.fails, Provider: rt.Name, Op: "test"}
			}
			var left []int
			var tried []bool
			for tries == 0 || w.Now().Before(ends) {
				before := tries
				w.Advance(time.Minute)
				at := w.Now()
				got := tick(w, nil)
				if tries == 0 {
					continue
				}
				left = append(left, got.AttemptsLeft)
				tried = append(tried, tries > before && !at.After(ends.Add(-20*time.Second)))
			}
			come := 0
			for i := len(left) - 1; i >= 0; i-- {
				assert.Equal(t, left[i], come)
				if tried[i] {
					come++
				}
			}
			assert.Equal(t, left[0], tt.counted)
		})
	}
}

func TestAttemptsLeft(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		world func(t *testing.T) *rt.World
		after outcome.Outcome
		want  int
	}{
		"a login without a chain before":  {func(*testing.T) *rt.World { return rt.New() }, outcome.LoggedIn, 3},
		"nobody has put credentials in":   {worldOf(credentials(`{}`)), outcome.NotSeeded, 0},
		"dead":                            {failing(providers.Refused), outcome.Dead, 0},
		"uncertain":                       {failing(providers.Unknown), outcome.Uncertain, 0},
		"refused credentials":             {failing(providers.Misconfigured), outcome.Misconfigured, 0},
		"turned away":                     {failing(providers.TurnedAway), outcome.Misconfigured, 2},
		"perhaps refused":                 {failing(providers.MaybeRefused), outcome.Misconfigured, 2},
		"access to a secret is lost":      {denied, outcome.Misconfigured, 0},
		"credentials cannot be read":      {forbidden, outcome.Misconfigured, 0},
		"paused: as if it went on":        {paused, outcome.Paused, 2},
		"another run's claim comes first": {claimed, outcome.Busy, 1},
		"the refresh token ends first": {worldOf(func(w *rt.World) {
			w.Provider.RefreshLifetime = 13*time.Minute + 20*time.Second
		}), outcome.LoggedIn, 2},
		"a row that nobody can read": {worldOf(func(w *rt.World) {
			w.Ledger.Set(store.Row{Key: rt.Default, Unreadable: errPassing})
		}), outcome.Misconfigured, 0},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := tt.world(t)
			got := wantTick(t, w, nil, tt.after)
			assert.Equal(t, got.AttemptsLeft, tt.want)
		})
	}
}

// Missing fields of the ledger do not count as zero.
func TestUnknownWithoutLedger(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		if got := tick(w, at(rt.Site{Op: rt.Rows}, 1, 0, rt.FailBefore)); got.Known {
			t.Errorf("known: %+v", got)
		}
		if got := tick(w, nil); !got.Known || got.Before != outcome.Refreshed || got.Noted != outcome.Refreshed {
			t.Errorf("unknown: %+v", got)
		}
	})
}

func worldOf(do func(w *rt.World)) func(*testing.T) *rt.World {
	return func(*testing.T) *rt.World {
		w := rt.New()
		do(w)
		return w
	}
}

// failing is a due chain without a login, of a provider with this answer.
func failing(kind providers.Kind) func(*testing.T) *rt.World {
	return func(t *testing.T) *rt.World {
		t.Helper()
		w := liveWithoutLogin(t)
		w.Provider.Answer = rt.Fail(rt.Refresh, kind, false)
		return w
	}
}

func denied(t *testing.T) *rt.World {
	t.Helper()
	w := live(t)
	w.Secrets.Delete(rt.Default, store.AccessDoc)
	return w
}

func forbidden(t *testing.T) *rt.World {
	t.Helper()
	w := live(t)
	w.Secrets.Break(rt.Default, store.Credentials, store.ErrForbidden)
	return w
}

func paused(t *testing.T) *rt.World {
	t.Helper()
	w := live(t)
	w.Ledger.Pause(rt.Default, true)
	return w
}

func claimed(t *testing.T) *rt.World {
	t.Helper()
	w := live(t)
	tick(w, at(sends, 1, 0, rt.DieBefore))
	return w
}
