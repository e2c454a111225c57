package refresh_test

import (
	"cmp"
	"context"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Too little time to send and to store: nothing is begun.
func TestBudget(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		left time.Duration
		want outcome.Outcome
	}{
		"enough":     {17500 * time.Millisecond, outcome.Refreshed},
		"not enough": {17499 * time.Millisecond, outcome.Left},
		"none":       {0, outcome.Transient},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			token, before := chain(w).RefreshToken, row(w)
			ctx, cancel := context.WithTimeout(t.Context(), tt.left)
			defer cancel()
			got := w.Engine(nil).Run(ctx, refresh.Request{RunID: "run"})[0]
			assert.Equal(t, got.Outcome, tt.want, "%v", got.Err)
			assert.Check(t, (got.Err == nil) == (tt.want == outcome.Refreshed))
			if tt.want == outcome.Refreshed {
				wantHealthy(t, w)
				return
			}
			assert.Equal(t, w.Provider.Presented(token), 0, "something was begun")
			assert.Equal(t, row(w).Fence, before.Fence, "something was begun")
		})
	}
}

// A claim that took most of the time is released unsent.
func TestBudgetAfterTheClaim(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		token := chain(w).RefreshToken
		w.Latency = takes(claims, 1, 45*time.Second) // of the run's 60
		wantTick(t, w, nil, outcome.Transient)
		assert.Equal(t, w.Provider.Presented(token), 0)
		if r := row(w); r.Phase != store.Idle || r.Presented(secret.New(token)) {
			t.Errorf("the row is %s, the token spent: %t", r.Phase, r.Presented(secret.New(token)))
		}
		w.Latency = nil
		wantTick(t, w, nil, outcome.Refreshed)
	})
}

// wantOneBusy lets two runs begin at once: one does the work.
func wantOneBusy(t *testing.T, w *rt.World) {
	t.Helper()
	w.Latency = func(rt.Call) time.Duration { return time.Millisecond }
	outcomes := make(chan outcome.Outcome, 2)
	for _, id := range []string{"one", "two"} {
		go func() { outcomes <- run(w, nil, refresh.Request{RunID: id}).Outcome }()
	}
	one, two := <-outcomes, <-outcomes
	assert.Check(t, (one == outcome.Busy) != (two == outcome.Busy), "%s and %s", one, two)
}

// One of two runs that read the same row gets the claim.
func TestClaimLost(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		token := chain(w).RefreshToken
		wantOneBusy(t, w)
		assert.Equal(t, w.Provider.Presented(token), 1)
		wantHealthy(t, w)
	})
}

// One of two runs that find the same dead attempt takes it over.
func TestTakeoverLost(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		tick(w, at(promotes, 1, 0, rt.DieBefore))
		w.Advance(2 * time.Minute)
		wantOneBusy(t, w)
		wantHealthy(t, w)
	})
}

// A claim whose answer is lost is read back, and used.
func TestAmbiguousClaim(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hook  rt.Hook
		want  outcome.Outcome
		sends int
	}{
		"done, answer lost":       {at(claims, 1, 1, rt.FailAfter), outcome.Refreshed, 1},
		"done, answer lost twice": {at(claims, 1, 2, rt.FailAfter), outcome.Refreshed, 1},
		"not done":                {at(claims, 1, 1, rt.FailBefore), outcome.Refreshed, 1},
		"lands later":             {at(claims, 1, 1, rt.LandLater), outcome.Refreshed, 1},
		"ledger down":             {at(claims, 1, 0, rt.FailBefore), outcome.Transient, 0},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			token := chain(w).RefreshToken
			wantTick(t, w, tt.hook, tt.want)
			assert.Equal(t, w.Provider.Presented(token), tt.sends)
			w.Land() // finds the fence moved
			if tt.sends > 0 {
				wantHealthy(t, w)
			}
		})
	}
}

// A claim outlasts its attempt, and not the run: no run sends while it lasts, and an attempt that
// died early in a long run is finished soon.
func TestClaimLasts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		run    time.Duration // how long the run may take
		sends  time.Duration
		stores time.Duration
		want   time.Duration
	}{
		"a function's run":      {run: 40 * time.Second, want: 70 * time.Second},
		"a short run":           {run: 25 * time.Second, want: 55 * time.Second},
		"a long run":            {run: time.Hour, want: 70 * time.Second},
		"a provider that waits": {run: time.Hour, sends: 25 * time.Second, want: 85 * time.Second},
		"slow stores":           {run: time.Hour, stores: time.Minute, want: (10 + 3*60 + 3*60) * time.Second},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			ctx, cancel := context.WithTimeout(t.Context(), tt.run)
			defer cancel()
			e := w.Engine(at(sends, 1, 0, rt.DieBefore))
			e.SendTimeout, e.StoreTimeout = cmp.Or(tt.sends, e.SendTimeout), cmp.Or(tt.stores, e.StoreTimeout)
			e.Run(ctx, refresh.Request{RunID: "run"})
			assert.Equal(t, row(w).ClaimedUntil.Sub(w.Now()), tt.want)
			w.Advance(tt.want - time.Second)
			for _, req := range []refresh.Request{{}, {Force: true}, {DryRun: true}} {
				wantRun(t, w, nil, req, outcome.Busy)
			}
			after(w, time.Second)
			wantHealthy(t, w)
		})
	}
}

// A process that was delayed between claim and send checks the fence again.
func TestHeldUpBeforeTheSend(t *testing.T) {
	t.Parallel()
	rows := rt.Site{Op: rt.RowOf}
	for name, tt := range map[string]struct {
		meanwhile func(w *rt.World)
		fault     rt.Fault
		want      outcome.Outcome
		sends     int
	}{
		"still ours": {func(*rt.World) {}, rt.None, outcome.Refreshed, 1},
		"taken over": {func(w *rt.World) {
			w.Latency = nil
			w.Advance(2 * time.Minute)
			run(w, nil, refresh.Request{RunID: "another"})
		}, rt.None, outcome.Busy, 0},
		"the fence can't be read": {func(*rt.World) {}, rt.FailBefore, outcome.Transient, 0},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			token := chain(w).RefreshToken
			w.Latency = takes(claims, 1, 3*time.Second)
			wantTick(t, w, hooks(on(rows, 1, func() { tt.meanwhile(w) }), at(rows, 1, 0, tt.fault)), tt.want)
			assert.Equal(t, w.Provider.Presented(token), tt.sends)
			tick(w, nil)
			wantHealthy(t, w)
		})
	}
}

// A settle that failed although it was done is recognised as done.
func TestAmbiguousSettle(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		wantTick(t, w, at(claims, 3, 3, rt.FailAfter), outcome.Refreshed)
		wantHealthy(t, w)
	})
	inBubble(t, "also after the next claim", func(t *testing.T) {
		w := live(t)
		another := func() { run(w, nil, refresh.Request{Force: true, RunID: "another"}) }
		wantTick(t, w, hooks(at(claims, 3, 3, rt.FailAfter), on(claims, 4, another)), outcome.Refreshed)
		wantHealthy(t, w)
	})
}
