package refresh_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// minutes ticks for so long, and lists the minutes in which op was called.
func minutes(w *rt.World, d time.Duration, op rt.Op) (called []int) {
	for n := range int(d / time.Minute) {
		before := w.Provider.Calls(op)
		tick(w, nil)
		if w.Provider.Calls(op) > before {
			called = append(called, n)
		}
		w.Advance(time.Minute)
	}
	return called
}

// pass lets the ticks of so long pass.
func pass(w *rt.World, d time.Duration) { minutes(w, d, rt.Refresh) }

// A failure that leaves the refresh token alive is tried again by itself, less and less often, and
// once more at the last moment that can be in time.
func TestRefreshBacksOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind     providers.Kind
		lifetime time.Duration
		want     []int // minutes after it was due
		state    store.State
	}{
		"not sent":        {providers.NotSent, 15 * time.Minute, []int{0, 1, 2, 3, 8, 13, 18}, store.OK},
		"turned away":     {providers.TurnedAway, 15 * time.Minute, []int{0, 1, 2, 3, 8, 13, 18}, store.Misconfigured},
		"perhaps refused": {providers.MaybeRefused, 15 * time.Minute, []int{0, 1, 2, 3, 8, 13, 18}, store.Misconfigured},
		"for hours":       {providers.TurnedAway, 10 * time.Hour, []int{0, 1, 3, 7, 12, 17}, store.Misconfigured},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			w.Provider.Lifetime = tt.lifetime
			setupDue(w)
			loginOff(w)
			w.Advance(row(w).RefreshAt.Sub(w.Now()))
			token := chain(w).RefreshToken
			w.Provider.Answer = rt.Fail(rt.Refresh, tt.kind, false)
			assert.DeepEqual(t, minutes(w, 20*time.Minute, rt.Refresh), tt.want)
			if r := row(w); r.State != tt.state || chain(w).RefreshToken != token {
				t.Errorf("the row is %s: %s", r.State, r.LastError)
			}
			w.Provider.Answer = nil
			minutes(w, 5*time.Minute, rt.Refresh)
			if r := row(w); r.RefreshFailures != 0 || !r.NotBefore.IsZero() {
				t.Errorf("after a success: %d failures, %s", r.RefreshFailures, r.NotBefore)
			}
			wantHealthy(t, w)
		})
	}
}

// A provider locks an account that presents wrong credentials too often.
func TestRefusedClientIsRarelyTried(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *rt.World {
		t.Helper()
		w := liveWithoutLogin(t)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.Misconfigured, false)
		return w
	}
	inBubble(t, "alone", func(t *testing.T) {
		w := setup(t)
		assert.DeepEqual(t, minutes(w, 60*time.Hour, rt.Refresh), []int{0, 60, 7 * 60, 31 * 60, 55 * 60})
		w.Provider.Answer = nil
		minutes(w, 24*time.Hour, rt.Refresh)
		wantHealthy(t, w)
	})
	for name, act := range map[string]func(w *rt.World) refresh.Request{
		"an edit of the credentials": func(w *rt.World) refresh.Request { loginOff(w); return refresh.Request{} },
		"a seed":                     func(w *rt.World) refresh.Request { w.Seed(rt.Default); return refresh.Request{} },
		"force":                      func(*rt.World) refresh.Request { return refresh.Request{Force: true} },
	} {
		inBubble(t, name, func(t *testing.T) {
			w := setup(t)
			minutes(w, 10*time.Minute, rt.Refresh)
			w.Provider.Answer = nil
			wantRun(t, w, nil, act(w), outcome.Refreshed)
			wantHealthy(t, w)
		})
	}
	inBubble(t, "an edit that is wrong too begins anew", func(t *testing.T) {
		w := setup(t)
		minutes(w, 20*time.Hour, rt.Refresh)
		loginOff(w)
		assert.DeepEqual(t, minutes(w, 10*time.Hour, rt.Refresh), []int{0, 60, 7 * 60})
	})
}

// A refused login delays no refresh, and a refresh that succeeds allows no login.
func TestLoginBackOffIsItsOwn(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		wrongPassword(w)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.MaybeRefused, false)
		assert.DeepEqual(t, minutes(w, 30*time.Minute, rt.Login), []int{0})
		assert.Check(t, w.Provider.Calls(rt.Refresh) >= 8)
		w.Provider.Answer = nil
		wantAfter(t, w, 5*time.Minute, outcome.Refreshed)
		if r := row(w); r.LoginFailures != 1 || r.LoginRefusals != 1 || r.LoginNotBefore.IsZero() {
			t.Errorf("the refresh has reset the login's back-off: %+v", r)
		}
		w.Advance(12 * time.Minute)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.MaybeRefused, false)
		assert.DeepEqual(t, minutes(w, 3*time.Hour, rt.Login), []int{13})
		w.Provider.Answer = nil
		after(w, time.Hour)
		wantHealthy(t, w)
		loginOn(w)
		after(w, 12*time.Minute)
		if r := row(w); r.LoginFailures != 0 || r.LoginRefusals != 0 || !r.LoginNotBefore.IsZero() {
			t.Errorf("the edit has not reset the login's back-off: %+v", r)
		}
	})
	inBubble(t, "the row of an older release", func(t *testing.T) {
		w := rt.New()
		w.Provider.Answer = rt.Fail(rt.Login, providers.Unknown, false)
		tick(w, nil)
		change(w, func(r *store.Row) { r.LoginNotBefore, r.NotBefore = time.Time{}, w.Now().Add(time.Hour) })
		assert.DeepEqual(t, minutes(w, 61*time.Minute, rt.Login), []int{60})
	})
}

func wrongPassword(w *rt.World) {
	good := w.Provider.Password
	w.Provider.Password = "wrong"
	loginOn(w)
	w.Provider.Password = good
}

// accounts adds so many to the world, each with a chain that was made by a refresh.
func accounts(w *rt.World, n int) []store.Key {
	keys := []store.Key{rt.Default}
	for i := 1; i < n; i++ {
		key := store.Key{Provider: rt.Name, Account: fmt.Sprintf("shop-%04d", i)}
		w.Add(key)
		w.Accounts = append(w.Accounts, key.Account)
		keys = append(keys, key)
	}
	for _, key := range keys {
		w.Seed(key)
	}
	all(w)
	return keys
}

// all is a tick that returns the results of all accounts.
func all(w *rt.World) []refresh.Result {
	return w.Engine(nil).Run(context.Background(), refresh.Request{RunID: "run"})
}

func count(results []refresh.Result, what outcome.Outcome) (n int) {
	for _, r := range results {
		if r.Outcome == what {
			n++
		}
	}
	return n
}

// After any outage, a thousand accounts are well within two ticks after the provider is back. The
// outage costs a few calls a tick.
func TestOutageOfAThousand(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind     providers.Kind
		accounts int
	}{
		"not sent":          {providers.NotSent, 1000},
		"no answer":         {providers.Unknown, 100},
		"a gateway's pages": {providers.TurnedAway, 100},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			keys := accounts(w, tt.accounts)
			w.Provider.Answer = func(rt.Op) (bool, error) { return false, &providers.Error{Kind: tt.kind} }
			for range 30 {
				w.Advance(time.Minute)
				all(w)
			}
			w.Provider.Answer = nil
			ticks := 0
			for ; ticks < 5 && !healthy(w, keys); ticks++ {
				w.Advance(time.Minute)
				all(w)
			}
			assert.Check(t, ticks <= 2)
			wantPromises(t, w)
		})
	}
}

func healthy(w *rt.World, keys []store.Key) bool {
	return !slices.ContainsFunc(keys, func(key store.Key) bool {
		r := w.Ledger.Get(key)
		return r.State != store.OK || !w.Now().Before(r.AccessExpiresAt)
	})
}

// Two accounts of a silent host are tried each tick, the most urgent. One alone backs off.
func TestProbes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 5, 2: 10, 3: 3*5 + 2*16, 40: 40*5 + 2*16} {
		inBubble(t, fmt.Sprint(n), func(t *testing.T) {
			w := rt.New()
			w.Provider.Lifetime = 10 * time.Hour
			accounts(w, n)
			w.Advance(8 * time.Hour)
			w.Provider.Answer = rt.Fail(rt.Refresh, providers.TurnedAway, false)
			before := w.Provider.Calls(rt.Refresh)
			for range 16 { // backs off after 0, 1, 3, 7 and 12 minutes
				all(w)
				w.Advance(time.Minute)
			}
			assert.Check(t, w.Provider.Calls(rt.Refresh)-before <= want)
		})
	}
	// An account that the host answers does not speed up one that it does not answer.
	inBubble(t, "accounts that differ", func(t *testing.T) {
		w := rt.New()
		w.Provider.Lifetime = 10 * time.Hour
		keys := accounts(w, 30)
		w.Advance(8 * time.Hour)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.NotSent, false)
		all(w)
		w.Advance(time.Minute / 4)
		w.Provider.Answer = nil
		for _, key := range keys[:20] {
			r := w.Ledger.Get(key)
			r.Unanswered, r.NotBefore = false, time.Time{}
			w.Ledger.Set(r)
		}
		probes := 0
		w.Provider.Answer = func(rt.Op) (bool, error) {
			if probes++; probes > 20 { // the first wave begins with the accounts that were answered
				return false, &providers.Error{Kind: providers.NotSent}
			}
			return true, nil
		}
		e := w.Engine(nil)
		e.Parallel = 1
		results := e.Run(t.Context(), refresh.Request{RunID: "run"})
		assert.Equal(t, count(results, outcome.Refreshed), 20)
		assert.Equal(t, count(results, outcome.Transient), 2)
	})
}

// Each tick looks for edits while few accounts wait; with more, each account is looked at once in
// five minutes.
func TestEditsAreLookedFor(t *testing.T) {
	t.Parallel()
	for n, ticks := range map[int]int{20: 1, 40: 5} {
		inBubble(t, fmt.Sprint(n), func(t *testing.T) {
			w := rt.New()
			keys := accounts(w, n)
			w.Provider.Answer = rt.Fail(rt.Refresh, providers.Misconfigured, false)
			w.Advance(12 * time.Minute)
			all(w)
			w.Trace()
			all(w)
			reads := 0
			for _, call := range w.Trace() {
				if call.Doc == store.Credentials {
					reads++
				}
			}
			if few := n <= 20; few && reads != n || !few && reads > n/2 {
				t.Errorf("%d of %d accounts looked at in a tick", reads, n)
			}
			w.Provider.Answer = nil
			for _, key := range keys {
				w.Secrets.Put(key, store.Credentials, w.Provider.Credentials())
			}
			refreshed := 0
			for range ticks {
				w.Advance(time.Minute)
				refreshed += count(all(w), outcome.Refreshed)
			}
			assert.Equal(t, refreshed, n)
		})
	}
}

// A provider that acts, and still answers with a complete 4xx, gets the token a second time. It
// costs nothing more: the next answer is the provider's own word.
func TestBrokenAssumption(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		login bool
		want  outcome.Outcome
	}{"with a login": {true, outcome.LoggedIn}, "without": {false, outcome.Dead}} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWith(t, tt.login)
			w.Provider.Answer = rt.Fail(rt.Refresh, providers.TurnedAway, true)
			wantTick(t, w, nil, outcome.Misconfigured)
			w.Provider.Answer = nil
			wantAfter(t, w, time.Minute, tt.want)
			after(w, 12*time.Minute)
			assert.Equal(t, w.Provider.Seen().Broken, 1)
			wantPromises(t, w)
		})
	}
}
