package refresh_test

import (
	"context"
	"errors"
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

func resolve(w *rt.World, hook rt.Hook, how refresh.Resolution) (refresh.Result, error) {
	if how != refresh.Discard {
		w.Decide()
	}
	if how == refresh.Retry {
		w.Provider.Retry()
	}
	return w.Engine(hook).Resolve(context.Background(), refresh.Request{RunID: "person", Account: rt.Default.Account}, how)
}

// setupUncertain leaves a credential whose token was sent, without an answer.
func setupUncertain(w *rt.World) {
	setupDue(w)
	loginOff(w)
	tick(w, at(sends, 1, 0, rt.FailAfter))
}

// setupUnanswered leaves one whose token was sent, and on which nobody has acted.
func setupUnanswered(w *rt.World) {
	setupDue(w)
	loginOff(w)
	tick(w, at(sends, 1, 0, rt.AnswerUnknown))
}

// setupTurnedUp leaves an uncertain one whose version turns up late.
func setupTurnedUp(w *rt.World) {
	setupDue(w)
	loginOff(w)
	tick(w, hooks(at(stages, 1, 0, rt.LandLater), at(claims, 2, 0, rt.DieBefore)))
	after(w, 2*time.Minute)
	w.Land()
}

// waits lets the last claim end.
func waits(w *rt.World) { w.Advance(2 * time.Minute) }

// retriesInVain lets a person retry, without an answer.
func retriesInVain(w *rt.World) {
	_, _ = resolve(w, at(sends, 1, 0, rt.AnswerUnknown), refresh.Retry)
	waits(w)
}

// setupDead leaves a credential whose token was refused.
func setupDead(w *rt.World) {
	setupDue(w)
	loginOff(w)
	w.Provider.Answer = rt.Fail(rt.Refresh, providers.Refused, false)
	tick(w, nil)
	w.Provider.Answer = nil
}

// setupOverwritten leaves a reply in the secret over which a person put a seed.
func setupOverwritten(w *rt.World) {
	setupDue(w)
	tick(w, on(sends, 0, func() { w.Seed(rt.Default) }))
}

// loginOn puts a login into the credentials.
func loginOn(w *rt.World) { w.Secrets.Put(rt.Default, store.Credentials, w.Provider.Credentials()) }

// losesNext lets the next refresh get no answer.
func losesNext(w *rt.World) {
	loginOff(w)
	full(w)
	w.Advance(time.Hour)
	tick(w, at(sends, 1, 0, rt.FailAfter))
}

func pauses(w *rt.World) { w.Ledger.Pause(rt.Default, true) }

func full(w *rt.World) { w.Secrets.Quota(rt.Default, store.TokensDoc, true) }

func relogs(w *rt.World) {
	w.Advance(time.Minute)
	_, _ = resolve(w, nil, refresh.Relogin) // what becomes of it is the test's to say
}

func both(one, other func(*rt.World)) func(*rt.World) {
	return func(w *rt.World) { one(w); other(w) }
}

func seed(w *rt.World) { w.Seed(rt.Default) }

// Each resolution does what a person decided, or reports what to do instead and changes nothing.
func TestResolve(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup   func(*rt.World)
		how     refresh.Resolution
		want    outcome.Outcome // empty: refused
		healthy bool            // at once
	}{
		"accept over an edit":                  {setupOverwritten, refresh.Accept, outcome.Recovered, true},
		"accept what a dead run left":          {setupDied(onlyVersion), refresh.Accept, outcome.Recovered, true},
		"accept what the escrow carries":       {setupCarried, refresh.Accept, outcome.Recovered, true},
		"accept while the secret is full":      {both(setupCarried, full), refresh.Accept, outcome.PersistFailed, false},
		"accept what is current":               {setupDue, refresh.Accept, "", true},
		"accept of nothing":                    {setupUncertain, refresh.Accept, "", false},
		"accept of a reply that was presented": {both(setupCarried, losesNext), refresh.Accept, "", false},
		"relogin of a live chain":              {setupDue, refresh.Relogin, outcome.LoggedIn, true},
		"relogin of an uncertain one":          {both(setupUncertain, loginOn), refresh.Relogin, outcome.LoggedIn, true},
		"relogin after a death":                {setupDied(at(sends, 1, 0, rt.DieAfter)), refresh.Relogin, outcome.LoggedIn, true},
		"relogin finds a reply":                {setupDied(onlyEscrow), refresh.Relogin, outcome.Recovered, true},
		"relogin without a login":              {setupUncertain, refresh.Relogin, "", false},
		"relogin while paused":                 {both(setupDue, pauses), refresh.Relogin, "", true},
		"relogin of a dead run while paused":   {both(setupDied(onlyVersion), pauses), refresh.Relogin, "", false},
		"relogin of a new account":             {func(*rt.World) {}, refresh.Relogin, "", false},
		"discard of an uncertain one":          {setupUncertain, refresh.Discard, "", false},
		"discard of a dead one":                {setupDead, refresh.Discard, "", false},
		"discard after a seed":                 {both(setupUncertain, seed), refresh.Discard, outcome.Superseded, false},
		"discard of a dead run after a seed":   {both(setupDied(at(sends, 1, 0, rt.DieAfter)), seed), refresh.Discard, outcome.Superseded, false},
		"discard of nothing":                   {setupDue, refresh.Discard, "", true},
		"discard of what the escrow carries":   {setupCarried, refresh.Discard, "", false},
		"discard of a login that it carries":   {both(both(setupDue, full), relogs), refresh.Discard, "", false},
		"discard without any token":            {func(w *rt.World) { tick(w, at(logins, 1, 0, rt.FailAfter)) }, refresh.Discard, "", false},
		"retry of one that was acted on":       {both(setupUncertain, waits), refresh.Retry, outcome.Dead, false},
		"retry of one that was not":            {both(setupUnanswered, waits), refresh.Retry, outcome.Refreshed, true},
		"retry while the first may be running": {setupUnanswered, refresh.Retry, "", false},
		"retry of a live chain":                {setupDue, refresh.Retry, "", true},
		"retry of a dead one":                  {both(setupDead, waits), refresh.Retry, "", false},
		"retry of a dead run":                  {setupDied(at(sends, 1, 0, rt.DieAfter)), refresh.Retry, "", false},
		"retry of a new seed":                  {both(both(setupUnanswered, waits), seed), refresh.Retry, "", false},
		"retry while paused":                   {both(both(setupUnanswered, waits), pauses), refresh.Retry, "", false},
		"retry of what turned up":              {both(setupTurnedUp, waits), refresh.Retry, "", false},
		"retry after a retry":                  {both(both(setupUnanswered, waits), retriesInVain), refresh.Retry, "", false},
		"a resolution that there is not":       {setupDue, "hope", "", true},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			tt.setup(w)
			before, tokens := row(w), w.Secrets.Get(rt.Default, store.TokensDoc).ID
			got, err := resolve(w, nil, tt.how)
			switch {
			case tt.want == "" && !errors.Is(err, refresh.ErrUnresolved):
				t.Errorf("%s (%v), error %v", got.Outcome, got.Err, err)
			case tt.want == "" && (row(w).Fence != before.Fence || w.Secrets.Get(rt.Default, store.TokensDoc).ID != tokens):
				t.Error("something was written")
			case tt.want != "" && (got.Outcome != tt.want || err != nil):
				t.Errorf("%s (%v), error %v, want %s", got.Outcome, got.Err, err, tt.want)
			}
			assert.Equal(t, unhealthy(w) == "", tt.healthy, unhealthy(w))
			wantPromises(t, w)
		})
	}
	inBubble(t, "after a discard, refreshes go on from the edit", func(t *testing.T) {
		w := rt.New()
		setupUncertain(w)
		seed(w)
		if _, err := resolve(w, nil, refresh.Discard); err != nil {
			t.Fatal(err)
		}
		r := row(w)
		assert.Check(t, r.State == store.OK && r.Escrow.AttemptID == "" && !r.RefreshAt.After(w.Now()) && r.LastError == "", "row %+v", r)
		wantTick(t, w, nil, outcome.Refreshed)
		wantHealthy(t, w)
	})
}

// A login that nobody needed may be refused: the chain that lives goes on.
func TestReloginRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup      func(*rt.World)
		state      store.State
		afterwards outcome.Outcome
	}{
		"a live chain": {setupDue, store.OK, outcome.Refreshed},
		"a lost one":   {both(setupUncertain, loginOn), store.Misconfigured, outcome.Misconfigured},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			tt.setup(w)
			w.Provider.Answer = rt.Fail(rt.Login, providers.Refused, false)
			got, err := resolve(w, nil, refresh.Relogin)
			assert.Check(t, got.Outcome == outcome.Misconfigured && err == nil, "%s (%v), error %v", got.Outcome, got.Err, err)
			if r := row(w); r.State != tt.state || r.LastOutcome != outcome.Misconfigured || r.LastError == "" {
				t.Errorf("the row is %s after %s: %q", r.State, r.LastOutcome, r.LastError)
			}
			wantAfter(t, w, time.Minute, tt.afterwards)
		})
	}
}

// A person's relogin over a login that died waits for no back-off, and makes one call: a wrong
// password locks no account.
func TestReloginOverADeadLogin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer func(rt.Op) (bool, error)
		want   outcome.Outcome
	}{
		"it succeeds":   {nil, outcome.LoggedIn},
		"it is refused": {rt.Fail(rt.Login, providers.Refused, false), outcome.Misconfigured},
		"no answer":     {rt.Fail(rt.Login, providers.Unknown, false), outcome.Transient},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			for row(w).LoginFailures < 5 { // the next is five minutes later, and a claim ends before that
				tick(w, at(logins, 1, 0, rt.DieAfter))
				w.Advance(30 * time.Second)
			}
			w.Advance(time.Minute)
			w.Provider.Answer = tt.answer
			before := w.Provider.Calls(rt.Login)
			if got, err := resolve(w, nil, refresh.Relogin); got.Outcome != tt.want || err != nil {
				t.Errorf("%s (%v), error %v, want %s", got.Outcome, got.Err, err, tt.want)
			}
			assert.Equal(t, w.Provider.Calls(rt.Login)-before, 1)
			if got := tick(w, nil); w.Provider.Calls(rt.Login) != before+1 {
				t.Errorf("the next tick logs in again: %s", got.Outcome)
			}
		})
	}
}

// While a run is at work nothing is decided; once its claim has run out, it is.
func TestResolveBesideARun(t *testing.T) {
	t.Parallel()
	for _, how := range refresh.Resolutions {
		inBubble(t, string(how), func(t *testing.T) {
			w := live(t)
			tick(w, at(sends, 1, 0, rt.DieAfter))
			fence := row(w).Fence
			got, err := resolve(w, nil, how)
			assert.Check(t, got.Outcome == outcome.Busy && err == nil && row(w).Fence == fence, "%s (%v), error %v", got.Outcome, got.Err, err)
		})
	}
}

// What cannot be read decides nothing.
func TestResolveUnread(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		breaks func(*rt.World)
		hook   rt.Hook
		want   outcome.Outcome
		says   string
	}{
		"the secret is forbidden": {
			func(w *rt.World) { w.Secrets.Break(rt.Default, store.TokensDoc, store.ErrForbidden) }, nil,
			outcome.Misconfigured, "model/default/tokens",
		},
		"the secret cannot be reached": {
			nil, at(readsTokens, 1, 0, rt.FailBefore),
			outcome.Transient, "model/default/tokens",
		},
		"the read was stale": {
			func(w *rt.World) { w.Advance(time.Second); seed(w) },
			at(readsTokens, 1, 0, rt.Stale),
			outcome.Transient, "it has changed",
		},
		"the ledger cannot be reached": {nil, at(rt.Site{Op: rt.RowOf}, 1, 0, rt.FailBefore), outcome.Transient, "read the ledger"},
	} {
		for _, how := range refresh.Resolutions {
			inBubble(t, name+", "+string(how), func(t *testing.T) {
				w := live(t)
				if tt.breaks != nil {
					tt.breaks(w)
				}
				fence := row(w).Fence
				got, err := resolve(w, tt.hook, how)
				if got.Outcome != tt.want || err != nil || got.Err == nil || !strings.Contains(got.Err.Error(), tt.says) {
					t.Errorf("%s (%v), error %v", got.Outcome, got.Err, err)
				}
				assert.Equal(t, row(w).Fence, fence, "the row was claimed")
			})
		}
	}
}
