package refresh_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// The secrets refuse the chain for good and for an unknown reason, such as its length. The ledger
// carries it, and readers get their tokens.
func TestSecretsRefuseTheChain(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		for n := range 30 {
			got := tick(w, at(stages, 1, 0, rt.FailBefore))
			assert.Assert(t, got.Outcome == outcome.PersistFailed && got.Err != nil, "tick %d: %s: %v", n, got.Outcome, got.Err)
			assert.Assert(t, lasts(w) > 0, "tick %d: readers have a dead token", n)
			w.Advance(time.Minute)
		}
		if n := w.Provider.Calls(rt.Refresh); n != 4 { // the first two, and two more in 30 minutes
			t.Errorf("%d refreshes, want 4", n)
		}
		wantTick(t, w, nil, outcome.Recovered)
		wantHealthy(t, w)
	})
}

// If a key or permission is withdrawn during the provider call, the reply is not lost.
func TestForbiddenAfterTheSend(t *testing.T) {
	t.Parallel()
	for _, doc := range []store.Document{store.TokensDoc, store.AccessDoc} {
		inBubble(t, string(doc), func(t *testing.T) {
			w := liveWithoutLogin(t)
			w.Provider.OnCall = func(rt.Op) { w.Secrets.Break(rt.Default, doc, store.ErrForbidden) }
			began := time.Now()
			for range 3 {
				got := tick(w, nil)
				assert.Assert(t, got.Outcome == outcome.PersistFailed && got.Err != nil, "outcome %s: %v", got.Outcome, got.Err)
				w.Advance(time.Minute)
			}
			assert.Equal(t, time.Since(began), time.Duration(0))
			w.Secrets.Break(rt.Default, doc, nil)
			wantTick(t, w, nil, outcome.Recovered)
			wantHealthy(t, w)
		})
	}
}
