package refresh_test

import (
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// A process freezes with the reply in memory, for longer than its claim, and another run logs in
// meanwhile. When it wakes up it undoes nothing, neither in the secrets nor in the row.
func TestLateReply(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		token := chain(w).RefreshToken
		var theirs store.Row
		var frozen sync.Once // the three calls that keep the reply wait for it
		got := tick(w, func(c rt.Call) rt.Fault {
			if c.Op == rt.Stage || c.Site == claims && c.Nth == 2 {
				frozen.Do(func() {
					w.Advance(2 * time.Minute)
					assert.Check(t, is.Equal(run(w, nil, refresh.Request{RunID: "another"}).Outcome, outcome.LoggedIn))
					theirs = row(w)
				})
			}
			return rt.None
		})
		assert.Equal(t, got.Outcome, outcome.Superseded, "%v", got.Err)
		assert.Equal(t, got.VersionID, theirs.VersionID)
		if now := row(w); now.Fence != theirs.Fence || now.AttemptID != theirs.AttemptID || now.LastOutcome != outcome.LoggedIn {
			t.Errorf("the row is of attempt %s, fence %d, after %s", now.AttemptID, now.Fence, now.LastOutcome)
		}
		assert.Equal(t, w.Provider.Presented(token), 1)
		wantHealthy(t, w)
	})
	// It replaces the version that its token came from.
	inBubble(t, "after a stale read", func(t *testing.T) {
		w := liveWithoutLogin(t)
		tick(w, hooks(at(readsTokens, 1, 0, rt.Stale),
			at(stages, 1, 1, rt.LandLater), at(stages, 2, 0, rt.DieBefore), at(claims, 2, 0, rt.FailBefore)))
		wantAfter(t, w, 2*time.Minute, outcome.Uncertain)
		w.Land()
		wantTick(t, w, nil, outcome.Recovered)
		wantHealthy(t, w)
	})
}
