package refresh_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// longAgo is a world whose row has forgotten the token that its first version held, and that
// version.
func longAgo(t *testing.T) (w *rt.World, old secret.String) {
	t.Helper()
	w = rt.New()
	w.Seed(rt.Default)
	loginOff(w)
	tick(w, nil)
	old = w.Secrets.Get(rt.Default, store.TokensDoc).Value
	refreshes(w, store.SpentKept+2)
	return w, old
}

// A person copies an old version of tokens into a new one. Its token was presented too long
// ago for the row to know, and is not presented again.
func TestOldVersionCopied(t *testing.T) {
	t.Parallel()
	dies := at(sends, 1, 1, rt.DieAfter)
	for name, tt := range map[string]struct {
		play func(w *rt.World, copied func())
		want outcome.Outcome // of the last tick
	}{
		"between two runs": {func(_ *rt.World, copied func()) { copied() }, outcome.Refreshed},
		"during the send":  {func(w *rt.World, copied func()) { w.Provider.OnCall = func(rt.Op) { copied() } }, outcome.Refreshed},
		"after a death":    {func(w *rt.World, copied func()) { tick(w, dies); copied(); w.Advance(2 * time.Minute) }, outcome.Uncertain},
		"the row is lost":  {func(w *rt.World, copied func()) { w.Ledger.Delete(rt.Default); copied() }, outcome.Uncertain},
		"twice":            {func(_ *rt.World, copied func()) { copied(); copied() }, outcome.Refreshed},
	} {
		inBubble(t, name, func(t *testing.T) {
			w, old := longAgo(t)
			tt.play(w, func() { w.Secrets.Put(rt.Default, store.TokensDoc, old) })
			got := tick(w, nil)
			w.Provider.OnCall = nil
			for range 2 {
				w.Advance(5 * time.Minute)
				if next := tick(w, nil); next.Outcome != outcome.NotDue {
					got = next
				}
			}
			assert.Equal(t, got.Outcome, tt.want, "%v", got.Err)
			wantPromises(t, w)
			if tt.want == outcome.Refreshed {
				wantHealthy(t, w)
			}
		})
	}
}
