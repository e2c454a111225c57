package refresh_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// The row keeps the fingerprints of the tokens presented last, oldest first.
func TestSpentKeepsTheLast(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		w.Seed(rt.Default)
		var presented []string
		for range store.SpentKept + 3 {
			presented = append(presented, fmt.Sprintf("rt-1-%d", len(presented)+1))
			tick(w, nil)
			w.Advance(12 * time.Minute)
		}
		spent := row(w).Spent
		if len(spent) != store.SpentKept {
			t.Fatalf("%d kept, want %d", len(spent), store.SpentKept)
		}
		for i, token := range presented[3:] {
			if spent[i] != fingerprint(token) {
				t.Errorf("number %d is not that of %s", i, token)
			}
		}
	})
}

// A person puts an older version back, whose token is spent. The live chain is not
// lost: it is refreshed, and what comes of it replaces theirs.
func TestSpentTokenPutBack(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]func(old store.Version) secret.String{
		"the whole pair":  func(old store.Version) secret.String { return old.Value },
		"the token alone": func(store.Version) secret.String { return secret.New(`{"refresh_token":"rt-1-1"}`) },
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			w.Seed(rt.Default)
			loginOff(w)
			tick(w, nil)
			old := w.Secrets.Get(rt.Default, store.TokensDoc)
			for range 2 {
				w.Advance(12 * time.Minute)
				tick(w, nil)
			}
			w.Secrets.Put(rt.Default, store.TokensDoc, value(old))
			w.Advance(12 * time.Minute)
			if got := tick(w, nil); got.Outcome != outcome.Refreshed {
				t.Errorf("outcome %s: %v", got.Outcome, got.Err)
			}
			wantHealthy(t, w)
			if n := w.Provider.Replays(); n != 0 {
				t.Errorf("%d replays", n)
			}
		})
	}
}

// The row was deleted: whether the token that tokens holds was presented, nobody
// knows, so it counts as spent.
func TestLostRow(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(w *rt.World){
		"deleted": func(w *rt.World) { w.Ledger.Delete(rt.Default) },
		"deleted and paused since": func(w *rt.World) {
			w.Ledger.Delete(rt.Default)
			w.Ledger.Pause(rt.Default, false)
		},
	} {
		for _, login := range []bool{true, false} {
			inBubble(t, fmt.Sprintf("%s, login %t", name, login), func(t *testing.T) {
				w := live(t)
				if !login {
					loginOff(w)
				}
				token := chain(w).RefreshToken
				lose(w)
				want := outcome.LoggedIn
				if !login {
					want = outcome.Uncertain
				}
				got := tick(w, nil)
				if got.Outcome != want || w.Provider.Presented(token) != 0 {
					t.Errorf("outcome %s, want %s; presented %d times", got.Outcome, want, w.Provider.Presented(token))
				}
				if login {
					wantHealthy(t, w)
					return
				}
				w.Advance(time.Minute)
				if got := run(w, nil, refresh.Request{Force: true}); got.Outcome != want {
					t.Errorf("forced: %s, want %s", got.Outcome, want)
				}
				for _, c := range w.Trace() {
					if c.Op == rt.ByID {
						t.Error("a version without an id was read")
					}
				}
				w.Seed(rt.Default)
				tick(w, nil)
				wantHealthy(t, w)
			})
		}
	}
}

// A row restored from a backup knows nothing of the attempts since.
func TestRestoredRow(t *testing.T) {
	t.Parallel()
	inBubble(t, "idle", func(t *testing.T) {
		w := live(t)
		backup := row(w)
		tick(w, nil)
		w.Advance(12 * time.Minute)
		tick(w, at(sends, 1, 0, rt.DieAfter)) // presents the token that tokens holds
		w.Ledger.Set(backup)
		if got := tick(w, nil); got.Outcome != outcome.LoggedIn {
			t.Errorf("outcome %s: %v", got.Outcome, got.Err)
		}
		wantHealthy(t, w)
	})
	// The escrow's chain is long spent: it must not become current again.
	inBubble(t, "with an escrow", func(t *testing.T) {
		w := live(t)
		w.Secrets.Quota(rt.Default, store.TokensDoc, true)
		tick(w, nil)
		backup := row(w)
		if backup.Escrow.AttemptID == "" {
			t.Fatal("no escrow")
		}
		w.Secrets.Quota(rt.Default, store.TokensDoc, false)
		for range 3 {
			w.Advance(12 * time.Minute)
			tick(w, nil)
		}
		now := w.Secrets.Get(rt.Default, store.TokensDoc).ID
		w.Ledger.Set(backup)
		if got := tick(w, nil); got.Outcome != outcome.Superseded {
			t.Errorf("outcome %s: %v", got.Outcome, got.Err)
		}
		if id := w.Secrets.Get(rt.Default, store.TokensDoc).ID; id != now {
			t.Errorf("tokens went back from %s to %s", now, id)
		}
		tick(w, nil)
		wantHealthy(t, w)
	})
	inBubble(t, "in the midst of an attempt", func(t *testing.T) {
		w := live(t)
		tick(w, at(promotes, 1, 0, rt.DieBefore))
		backup := row(w)
		w.Advance(2 * time.Minute)
		tick(w, nil)
		w.Advance(12 * time.Minute)
		tick(w, nil)
		now := w.Secrets.Get(rt.Default, store.TokensDoc).ID
		w.Ledger.Set(backup)
		tick(w, nil)
		if id := w.Secrets.Get(rt.Default, store.TokensDoc).ID; id != now {
			t.Errorf("tokens went back from %s to %s", now, id)
		}
	})
}

// A stale read after a lost row is no base for a login: the next run would take what
// comes of it for outdated.
func TestLostRowAndStaleRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := live(t)
		w.Ledger.Delete(rt.Default)
		got := tick(w, at(rt.Site{Op: rt.Current, Doc: store.TokensDoc}, 1, 0, rt.Stale))
		if got.Outcome != outcome.Transient {
			t.Errorf("outcome %s", got.Outcome)
		}
		if got := tick(w, nil); got.Outcome != outcome.LoggedIn {
			t.Errorf("the next tick: %s", got.Outcome)
		}
		wantHealthy(t, w)
	})
}

// Nor is one from before the first version: that would stand against what comes of it.
func TestStaleReadBeforeTheFirstVersion(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		tick(w, nil)
		stale := at(rt.Site{Op: rt.Current, Doc: store.TokensDoc}, 1, 0, rt.Stale)
		got := run(w, stale, refresh.Request{Force: true})
		if n := w.Provider.Calls(rt.Login); got.Outcome != outcome.Transient || n != 1 {
			t.Errorf("outcome %s after %d logins, want transient after one: %v", got.Outcome, n, got.Err)
		}
		wantHealthy(t, w)
	})
}

// Reads of the current version may be stale: a spent token is looked up again by id.
func TestStaleRead(t *testing.T) {
	t.Parallel()
	inBubble(t, "before a refresh", func(t *testing.T) {
		w := liveWithoutLogin(t)
		got := tick(w, at(rt.Site{Op: rt.Current, Doc: store.TokensDoc}, 1, 0, rt.Stale))
		if got.Outcome != outcome.Refreshed {
			t.Errorf("outcome %s: %v", got.Outcome, got.Err)
		}
		wantHealthy(t, w)
	})
	// The seed has an access token of its own: readers must not get it back.
	inBubble(t, "before access is repaired", func(t *testing.T) {
		w := rt.New()
		loginOff(w)
		token := w.Provider.NewFamily()
		tokens(`{"refresh_token":"` + token + `","access_token":"old","access_expires_at":"2026-03-01T12:05:00Z"}`)(w)
		w.Secrets.Break(rt.Default, store.AccessDoc, nil)
		tick(w, at(stagesAccess, 1, 0, rt.FailBefore))
		w.Advance(time.Minute)
		got := tick(w, at(rt.Site{Op: rt.Current, Doc: store.TokensDoc}, 1, 0, rt.Stale))
		if got.Outcome != outcome.Recovered {
			t.Errorf("outcome %s: %v", got.Outcome, got.Err)
		}
		wantHealthy(t, w)
	})
}
