package refresh_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// carried is a world whose chain is in the escrow, because tokens is at its quota.
func carried(t *testing.T) *rt.World {
	t.Helper()
	w := liveWithoutLogin(t)
	w.Secrets.Quota(rt.Default, store.TokensDoc, true)
	got := tick(w, nil)
	assert.Assert(t, got.Outcome == outcome.PersistFailed && got.Err != nil, "outcome %s: %v", got.Outcome, got.Err)
	return w
}

// At the quota the escrow carries the chain: refreshes go on from it, readers get their tokens,
// each tick reports it, and it heals when the quota ends.
func TestQuota(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := carried(t)
		base, began := w.Secrets.Get(rt.Default, store.TokensDoc).ID, time.Now()
		for range 30 {
			wantAfter(t, w, time.Minute, outcome.PersistFailed)
			assert.Assert(t, lasts(w) > 0, "readers have a dead token")
		}
		assert.Equal(t, w.Provider.Calls(rt.Refresh), 4) // the first two, and two more in 30 minutes
		assert.Equal(t, w.Secrets.Get(rt.Default, store.TokensDoc).ID, base)
		assert.Equal(t, time.Since(began), time.Duration(0))
		w.Secrets.Quota(rt.Default, store.TokensDoc, false)
		wantAfter(t, w, time.Minute, outcome.Recovered)
		wantHealthy(t, w)
		wantAfter(t, w, 12*time.Minute, outcome.Refreshed)
	})
	// The token in the escrow is spent like any other, also after the secrets have taken its version.
	inBubble(t, "a lost reply", func(t *testing.T) {
		w := carried(t)
		w.Advance(12 * time.Minute)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.Unknown, true)
		wantTicks(t, w, 3, outcome.Uncertain)
		w.Provider.Answer = nil
		w.Secrets.Quota(rt.Default, store.TokensDoc, false)
		pass(w, 20*time.Minute)
		assert.Equal(t, row(w).State, store.Uncertain)
		assert.Equal(t, w.Provider.Seen().Replays, 0)
		w.Seed(rt.Default)
		tick(w, nil)
		wantHealthy(t, w)
	})
	inBubble(t, "an edit ends what the escrow carries, even a bad edit", func(t *testing.T) {
		w := carried(t)
		w.Advance(12 * time.Minute)
		theirs := w.Secrets.Put(rt.Default, store.TokensDoc, secret.New(`{"refresh_token":"mistyped"}`))
		var seen []outcome.Outcome
		for _, quota := range []bool{true, true, false, false} {
			w.Secrets.Quota(rt.Default, store.TokensDoc, quota)
			seen = append(seen, tick(w, nil).Outcome)
			w.Advance(time.Minute)
		}
		if id := w.Secrets.Get(rt.Default, store.TokensDoc).ID; id != theirs || row(w).State != store.Dead {
			t.Errorf("%s is current and the row %s, want %s and dead: %v", id, row(w).State, theirs, seen)
		}
	})
	inBubble(t, "a chain that died in the escrow gives way to a seed", func(t *testing.T) {
		w := rt.New()
		loginOff(w)
		w.Seed(rt.Default)
		setupCarried(w)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.Refused, false)
		w.Secrets.Quota(rt.Default, store.TokensDoc, true)
		wantTick(t, w, nil, outcome.Dead)
		w.Provider.Answer = nil
		w.Secrets.Quota(rt.Default, store.TokensDoc, false)
		w.Seed(rt.Default)
		for _, want := range []outcome.Outcome{outcome.Superseded, outcome.Refreshed} {
			wantTick(t, w, nil, want)
		}
	})
}

// If both secrets are at their quota, readers have to wait, but the chain goes on.
func TestQuotaOfBoth(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		for _, on := range []bool{true, false} {
			w.Secrets.Quota(rt.Default, store.TokensDoc, on)
			w.Secrets.Quota(rt.Default, store.AccessDoc, on)
			pass(w, 30*time.Minute)
		}
		wantHealthy(t, w)
	})
}

// Neither a rate limit nor a login's back-off is forgotten while the secrets are
// tried again each tick.
func TestQuotaKeepsBackOffs(t *testing.T) {
	t.Parallel()
	inBubble(t, "rate limit", func(t *testing.T) {
		w := carried(t)
		w.Advance(12 * time.Minute)
		calls := 0
		w.Provider.Answer = func(rt.Op) (bool, error) {
			calls++
			return false, &providers.Error{Kind: providers.RateLimited, RetryAfter: 3 * time.Minute}
		}
		pass(w, 3*time.Minute)
		assert.Equal(t, calls, 1)
	})
	inBubble(t, "login", func(t *testing.T) {
		w := carried(t)
		loginOn(w)
		w.Advance(12 * time.Minute)
		logins := 0
		w.Provider.Answer = func(op rt.Op) (bool, error) {
			if op == rt.Login {
				logins++
			}
			return false, &providers.Error{Kind: providers.Unknown}
		}
		pass(w, time.Hour)
		assert.Check(t, logins <= 15, "%d logins in an hour", logins) // one, two and four minutes apart, then five; and the last that is in time
	})
}

// An abandoned promote that lands while the escrow carries the chain makes an ancestor current: its
// successors replace it.
func TestAncestorLandsLate(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		wantTick(t, w, at(promotes, 1, 0, rt.LandLater), outcome.PersistFailed)
		w.Advance(12 * time.Minute)
		sent := false
		w.Provider.OnCall = func(rt.Op) {
			sent = true
			w.Land()
		}
		got := tick(w, func(c rt.Call) rt.Fault {
			if c.Site == stages && !sent { // the repair that comes first
				return rt.FailBefore
			}
			return rt.None
		})
		assert.Equal(t, got.Outcome, outcome.Refreshed, "%v", got.Err)
		wantHealthy(t, w)
	})
	// It leaves the chain of the escrow in tokens.
	inBubble(t, "done although it failed", func(t *testing.T) {
		w := liveWithoutLogin(t)
		tick(w, at(promotes, 1, 0, rt.FailAfter))
		w.Advance(12 * time.Minute)
		// A refresh is due, and the repair fails too: the refresh goes on from the escrow, first
		// with a rate limit.
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.RateLimited, false)
		wantTick(t, w, at(stages, 1, 0, rt.FailBefore), outcome.RateLimited)
		w.Provider.Answer = nil
		for range 3 {
			after(w, time.Minute)
		}
		wantHealthy(t, w)
	})
}

// The quota lasts for more refreshes than the row has fingerprints. Neither a read that
// shows the old version once more, nor a reply that takes the place of the chain and
// cannot be read, nor a person who saves its text again, makes its token presentable.
func TestQuotaOutlastsTheFingerprints(t *testing.T) {
	t.Parallel()
	setups := map[string]func(t *testing.T) *rt.World{
		"an attempt's version": liveWithoutLogin,
		"a seed": func(*testing.T) *rt.World {
			w := rt.New()
			loginOff(w)
			w.Seed(rt.Default)
			return w
		},
	}
	ends := map[string]func(w *rt.World) rt.Hook{ // what happens then, and the fault of the last tick
		"a stale read": func(w *rt.World) rt.Hook {
			w.Seed(rt.Default)
			w.Provider.Answer = rt.Fail(rt.Refresh, providers.RateLimited, false)
			tick(w, nil)
			w.Provider.Answer = nil
			return at(readsTokens, 1, 0, rt.Stale)
		},
		"an unreadable reply": func(w *rt.World) rt.Hook {
			w.Provider.Key = "another"
			tick(w, nil)
			w.Secrets.Put(rt.Default, store.Credentials, secret.New(`{"key":"a wrong one"}`))
			return nil
		},
		"its text is saved again": func(w *rt.World) rt.Hook {
			tick(w, nil)
			w.Secrets.Put(rt.Default, store.TokensDoc, w.Secrets.Get(rt.Default, store.TokensDoc).Value)
			w.Advance(12 * time.Minute)
			return nil
		},
	}
	for was, setup := range setups {
		for then, end := range ends {
			inBubble(t, was+", "+then, func(t *testing.T) {
				w := setup(t)
				w.Secrets.Quota(rt.Default, store.TokensDoc, true)
				for range store.SpentKept + 2 {
					wantTick(t, w, nil, outcome.PersistFailed)
					w.Advance(12 * time.Minute)
				}
				calls := w.Provider.Calls(rt.Refresh)
				hook := end(w)
				assert.Equal(t, w.Provider.Calls(rt.Refresh), calls+1, "the chain was not presented once more")
				w.Advance(time.Minute)
				tick(w, hook)
				assert.Equal(t, w.Provider.Seen().Replays, 0)
			})
		}
	}
}

// When the secrets take the escrow's chain at last, that is no person's edit: a refused token is
// not tried again.
func TestMendedIsNotEdited(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup func(w *rt.World)
		op    rt.Op
		kind  providers.Kind
	}{
		"a login":  {loginOn, rt.Login, providers.Refused},
		"a client": {func(*rt.World) {}, rt.Refresh, providers.Misconfigured},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := carried(t)
			tt.setup(w)
			w.Advance(12 * time.Minute)
			before := w.Provider.Calls(tt.op)
			w.Provider.Answer = func(rt.Op) (bool, error) { return false, &providers.Error{Kind: tt.kind} }
			for _, quota := range []bool{true, true, false, false, false} {
				w.Secrets.Quota(rt.Default, store.TokensDoc, quota)
				tick(w, nil)
				w.Advance(time.Minute)
			}
			calls := w.Provider.Calls(tt.op) - before
			if calls != 1 || row(w).State != store.Misconfigured || row(w).Escrow.AttemptID != "" {
				t.Errorf("%d calls, the row is %s, its escrow %q", calls, row(w).State, row(w).Escrow.AttemptID)
			}
		})
	}
}
