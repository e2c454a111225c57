package refresh_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// states are worlds in every state that a tick may find, with the outcomes of a dry run, a forced
// run and a forced run under a pause.
func states() map[string]struct {
	world              func(t *testing.T) *rt.World
	dry, force, paused outcome.Outcome
} {
	type state = struct {
		world              func(t *testing.T) *rt.World
		dry, force, paused outcome.Outcome
	}
	after := func(world func(t *testing.T) *rt.World, do func(w *rt.World)) func(t *testing.T) *rt.World {
		return func(t *testing.T) *rt.World {
			t.Helper()
			w := world(t)
			do(w)
			return w
		}
	}
	fresh := func(*testing.T) *rt.World { return rt.New() }
	failed := func(op rt.Op, kind providers.Kind) func(w *rt.World) {
		return func(w *rt.World) {
			w.Provider.Answer = rt.Fail(op, kind, false)
			tick(w, nil)
			w.Provider.Answer = nil
		}
	}
	return map[string]state{
		"first login": {fresh, outcome.WouldLogin, outcome.LoggedIn, outcome.Paused},
		"seed": {
			after(fresh, func(w *rt.World) { w.Seed(rt.Default) }),
			outcome.WouldRefresh, outcome.Refreshed, outcome.Paused,
		},
		"not seeded": {after(fresh, credentials(`{}`)), outcome.NotSeeded, outcome.NotSeeded, outcome.Paused},
		"not due":    {after(fresh, func(w *rt.World) { tick(w, nil) }), outcome.NotDue, outcome.Refreshed, outcome.Paused},
		"due":        {live, outcome.WouldRefresh, outcome.Refreshed, outcome.Paused},
		"claimed": {
			after(live, func(w *rt.World) { tick(w, at(sends, 1, 0, rt.DieBefore)) }),
			outcome.Busy, outcome.Busy, outcome.Busy,
		},
		"died": {
			after(live, func(w *rt.World) {
				tick(w, at(promotes, 1, 0, rt.DieBefore))
				w.Advance(2 * time.Minute)
			}),
			outcome.WouldRecover, outcome.Recovered, outcome.Recovered,
		},
		"unpublished": {
			after(fresh, setupUnpublished),
			outcome.WouldRecover, outcome.Recovered, outcome.Recovered,
		},
		"carried by the escrow": {
			after(fresh, setupCarried),
			outcome.WouldRecover, outcome.Recovered, outcome.Recovered,
		},
		"superseded by a seed": {
			after(live, func(w *rt.World) {
				w.Provider.OnCall = func(rt.Op) { w.Seed(rt.Default) }
				tick(w, nil)
				w.Provider.OnCall = nil
			}),
			outcome.WouldRefresh, outcome.Refreshed, outcome.Paused,
		},
		"dead": {
			after(liveWithoutLogin, failed(rt.Refresh, providers.Refused)),
			outcome.Dead, outcome.Dead, outcome.Paused,
		},
		"uncertain": {
			after(liveWithoutLogin, failed(rt.Refresh, providers.Unknown)),
			outcome.Uncertain, outcome.Uncertain, outcome.Paused,
		},
		"misconfigured login": {
			after(fresh, failed(rt.Login, providers.Refused)),
			outcome.Misconfigured, outcome.LoggedIn, outcome.Paused,
		},
		"misconfigured refresh": {
			after(live, failed(rt.Refresh, providers.Misconfigured)),
			outcome.Misconfigured, outcome.Refreshed, outcome.Paused,
		},
		"malformed": {
			after(live, tokens(`[]`)),
			outcome.Misconfigured, outcome.Misconfigured, outcome.Paused,
		},
		"rate limited": {
			after(live, failed(rt.Refresh, providers.RateLimited)),
			outcome.NotDue, outcome.Refreshed, outcome.Paused,
		},
		"login back-off": {
			after(fresh, failed(rt.Login, providers.Unknown)),
			outcome.NotDue, outcome.LoggedIn, outcome.Paused,
		},
		"lost row": {
			after(live, func(w *rt.World) { w.Ledger.Delete(rt.Default) }),
			outcome.WouldLogin, outcome.LoggedIn, outcome.Paused,
		},
	}
}

// A dry run reports what a run would do, calls no provider and writes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	for name, tt := range states() {
		inBubble(t, name, func(t *testing.T) {
			w := tt.world(t)
			before, rowBefore := snapshot(w), row(w)
			w.Trace()
			got := run(w, nil, refresh.Request{DryRun: true})
			if got.Outcome != tt.dry {
				t.Errorf("outcome %s, want %s: %v", got.Outcome, tt.dry, got.Err)
			}
			for _, c := range w.Trace() {
				if !c.Reads() {
					t.Errorf("it called %s", c.Site)
				}
			}
			if diff := cmp.Diff(before, snapshot(w)); diff != "" {
				t.Errorf("secrets changed:\n%s", diff)
			}
			if diff := cmp.Diff(rowBefore, row(w), cmp.Comparer(func(a, b secret.String) bool { return a == b })); diff != "" {
				t.Errorf("the row changed:\n%s", diff)
			}
		})
	}
}

// Force ignores the due time and back-offs; never a live claim, a pause or uncertain.
func TestForce(t *testing.T) {
	t.Parallel()
	for name, tt := range states() {
		inBubble(t, name, func(t *testing.T) {
			w := tt.world(t)
			got := run(w, nil, refresh.Request{Force: true})
			if got.Outcome != tt.force {
				t.Errorf("outcome %s, want %s: %v", got.Outcome, tt.force, got.Err)
			}
			if w.Provider.Replays() != 0 {
				t.Error("replayed")
			}
		})
		inBubble(t, name+", paused", func(t *testing.T) {
			w := tt.world(t)
			before := w.Provider.Calls(rt.Refresh) + w.Provider.Calls(rt.Login)
			w.Ledger.Pause(rt.Default, true)
			got := run(w, nil, refresh.Request{Force: true})
			if got.Outcome != tt.paused {
				t.Errorf("outcome %s, want %s: %v", got.Outcome, tt.paused, got.Err)
			}
			if calls := w.Provider.Calls(rt.Refresh) + w.Provider.Calls(rt.Login); calls != before {
				t.Errorf("%d calls to the provider", calls-before)
			}
			if !row(w).Paused {
				t.Error("the pause is gone")
			}
		})
	}
}

// A row that names one account touches no other.
func TestOneAccount(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		other := store.Key{Provider: rt.Name, Account: "other"}
		w.Add(other)
		w.Accounts = append(w.Accounts, other.Account)
		if got := run(w, nil, refresh.Request{Account: "other"}); got.Account != "other" || got.Outcome != outcome.LoggedIn {
			t.Errorf("%s: %s", got.Account, got.Outcome)
		}
		for _, c := range w.Trace() {
			if c.Key.Account != "other" && !c.ToProvider() {
				t.Errorf("%s of %s", c, c.Key)
			}
		}
	})
}

// A result names the checks that decided, in their order.
func TestReason(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup func(w *rt.World)
		hook  rt.Hook
		want  string
		force bool
	}{
		"a refresh":           {setupDue, nil, "it is due, and its refresh token may be sent", false},
		"forced":              {func(w *rt.World) { tick(w, nil) }, nil, "a person forces it, and its refresh token may be sent", true},
		"forced when due":     {setupDue, nil, "it is due, and its refresh token may be sent", true},
		"nothing to do":       {func(w *rt.World) { tick(w, nil) }, nil, "nothing is due", false},
		"a pause":             {both(setupDue, pauses), nil, "it is paused", false},
		"found after a death": {setupDied(onlyVersion), nil, "an attempt died; its reply is a version of tokens", false},
		"a lost token": {
			setupDue, at(sends, 1, 0, rt.FailAfter),
			"it is due, and its refresh token may be sent; a login replaces the refresh", false,
		},
		"a lost token, and no login": {
			both(setupDue, loginOff), at(sends, 1, 0, rt.FailAfter),
			"it is due, and its refresh token may be sent; the call brought no tokens", false,
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			tt.setup(w)
			if got := run(w, tt.hook, refresh.Request{Force: tt.force}); got.Reason != tt.want {
				t.Errorf("%s: %q, want %q", got.Outcome, got.Reason, tt.want)
			}
		})
	}
}
