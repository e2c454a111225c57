package refresh_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// reject is the run for a reader's rejection.
func reject(w *rt.World, attemptID string) refresh.Result {
	return run(w, nil, refresh.Request{Account: rt.Default.Account, Rejected: attemptID})
}

// A token that is revoked before its time is replaced when readers report it.
func TestRevokedEarly(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		w.Provider.Lifetime = 10 * time.Hour
		tick(w, nil)
		published := row(w).PublishedVersionID
		assert.Equal(t, reject(w, published).Outcome, outcome.NotDue)
		w.Advance(time.Minute)
		assert.Equal(t, reject(w, "another").Outcome, outcome.NotDue)
		assert.Equal(t, reject(w, published).Outcome, outcome.Refreshed)
		wantHealthy(t, w)
		w.Advance(time.Minute)
		assert.Equal(t, reject(w, published).Outcome, outcome.NotDue)
	})
	inBubble(t, "rejections that keep following", func(t *testing.T) {
		w := live(t)
		w.Provider.Lifetime = 10 * time.Hour
		tick(w, nil)
		before := w.Provider.Calls(rt.Refresh)
		for range 24 * 60 {
			w.Advance(time.Minute)
			reject(w, row(w).PublishedVersionID)
		}
		n := w.Provider.Calls(rt.Refresh) - before
		assert.Check(t, n >= 5 && n <= 12, "%d refreshes in a day", n)
	})
}

// Any reader may reject anything: the only effect is a new token.
func TestRejectionDoesNothingElse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]func(t *testing.T) *rt.World{
		"a credential that is due": live,
		"one without a row":        func(*testing.T) *rt.World { return rt.New() },
		"an attempt that died": func(t *testing.T) *rt.World {
			w := live(t)
			tick(w, at(sends, 1, 0, rt.DieAfter))
			w.Advance(2 * time.Minute)
			return w
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := tt(t)
			w.Trace()
			assert.Equal(t, reject(w, "another").Outcome, outcome.NotDue)
			assert.Equal(t, len(w.Trace()), 1)
		})
	}
	for name, keeps := range map[string]func(w *rt.World){
		"a pause": func(w *rt.World) { w.Ledger.Pause(rt.Default, true) },
		"a back-off": func(w *rt.World) {
			w.Provider.Answer = rt.Fail(rt.Refresh, providers.NotSent, false)
			tick(w, nil)
		},
		"a state": func(w *rt.World) {
			loginOff(w)
			w.Provider.Answer = rt.Fail(rt.Refresh, providers.Refused, false)
			tick(w, nil)
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			keeps(w)
			w.Advance(15 * time.Second)
			before := w.Provider.Calls(rt.Refresh)
			reject(w, row(w).PublishedVersionID)
			assert.Check(t, w.Provider.Calls(rt.Refresh) <= before, "it was ignored")
			assert.Equal(t, row(w).Phase, store.Idle, "it was ignored")
		})
	}
}
