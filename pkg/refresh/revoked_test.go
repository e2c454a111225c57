package refresh_test

import (
	"testing"
	"time"

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
		if got := reject(w, published); got.Outcome != outcome.NotDue {
			t.Errorf("at once: %s", got.Outcome)
		}
		w.Advance(time.Minute)
		if got := reject(w, "another"); got.Outcome != outcome.NotDue {
			t.Errorf("another attempt: %s", got.Outcome)
		}
		if got := reject(w, published); got.Outcome != outcome.Refreshed {
			t.Fatalf("%s: %v", got.Outcome, got.Err)
		}
		wantHealthy(t, w)
		w.Advance(time.Minute)
		if got := reject(w, published); got.Outcome != outcome.NotDue {
			t.Errorf("again: %s", got.Outcome)
		}
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
		if n := w.Provider.Calls(rt.Refresh) - before; n < 5 || n > 12 {
			t.Errorf("%d refreshes in a day", n)
		}
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
			if got := reject(w, "another"); got.Outcome != outcome.NotDue {
				t.Errorf("%s: %v", got.Outcome, got.Err)
			}
			if calls := w.Trace(); len(calls) != 1 {
				t.Errorf("calls %v", calls)
			}
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
			if w.Provider.Calls(rt.Refresh) > before || row(w).Phase != store.Idle {
				t.Error("it was ignored")
			}
		})
	}
}
