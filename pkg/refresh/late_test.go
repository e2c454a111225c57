package refresh_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
					if other := run(w, nil, refresh.Request{RunID: "another"}); other.Outcome != outcome.LoggedIn {
						t.Errorf("the other run: %s: %v", other.Outcome, other.Err)
					}
					theirs = row(w)
				})
			}
			return rt.None
		})
		if got.Outcome != outcome.Superseded || got.VersionID != theirs.VersionID {
			t.Errorf("outcome %s with version %s, want superseded with %s", got.Outcome, got.VersionID, theirs.VersionID)
		}
		if now := row(w); now.Fence != theirs.Fence || now.AttemptID != theirs.AttemptID || now.LastOutcome != outcome.LoggedIn {
			t.Errorf("the row is of attempt %s, fence %d, after %s", now.AttemptID, now.Fence, now.LastOutcome)
		}
		if n := w.Provider.Presented(token); n != 1 {
			t.Errorf("presented %d times", n)
		}
		wantHealthy(t, w)
	})
}

// The same is true if the attempt began with a stale read: it replaces the version that its token
// came from.
func TestLateLandingAfterAStaleRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := liveWithoutLogin(t)
		tick(w, func(c rt.Call) rt.Fault {
			switch {
			case c.Op == rt.Current && c.Doc == store.TokensDoc:
				return rt.Stale
			case c.Op == rt.Stage && c.Doc == store.TokensDoc && c.Nth == 1:
				return rt.LandLater
			case c.Op == rt.Stage && c.Doc == store.TokensDoc:
				return rt.DieBefore
			case c.Op == rt.Write && c.Nth > 1:
				return rt.FailBefore
			}
			return rt.None
		})
		w.Advance(2 * time.Minute)
		if got := tick(w, nil); got.Outcome != outcome.Uncertain {
			t.Fatalf("outcome %s: %v", got.Outcome, got.Err)
		}
		w.Land()
		if got := tick(w, nil); got.Outcome != outcome.Recovered {
			t.Errorf("outcome %s: %v", got.Outcome, got.Err)
		}
		wantHealthy(t, w)
	})
}
