package refresh_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

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
		assert.Equal(t, len(spent), store.SpentKept)
		for i, token := range presented[3:] {
			assert.Check(t, (store.Row{Spent: spent[i : i+1]}).Presented(secret.New(token)), "number %d is not that of %s", i, token)
		}
	})
}

// A person puts an older version back, whose token is spent. The live chain is not lost: its
// refresh replaces their version.
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
				after(w, 12*time.Minute)
			}
			w.Secrets.Put(rt.Default, store.TokensDoc, value(old))
			wantAfter(t, w, 12*time.Minute, outcome.Refreshed)
			wantHealthy(t, w)
			assert.Equal(t, w.Provider.Seen().Replays, 0)
		})
	}
}

// The row was deleted: nobody knows whether the current token was presented, so it counts as spent.
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
				w := liveWith(t, login)
				token := chain(w).RefreshToken
				lose(w)
				want := outcome.LoggedIn
				if !login {
					want = outcome.Uncertain
				}
				wantTick(t, w, nil, want)
				assert.Equal(t, w.Provider.Presented(token), 0)
				if login {
					wantHealthy(t, w)
					return
				}
				w.Advance(time.Minute)
				wantRun(t, w, nil, refresh.Request{Force: true}, want)
				for _, c := range w.Trace() {
					assert.Check(t, c.Op != rt.ByID, "a version without an id was read")
				}
				w.Seed(rt.Default)
				tick(w, nil)
				wantHealthy(t, w)
			})
		}
	}
	// It is no base for a login: the next run would take its result for outdated.
	inBubble(t, "and a stale read", func(t *testing.T) {
		w := live(t)
		w.Ledger.Delete(rt.Default)
		wantTick(t, w, at(readsTokens, 1, 0, rt.Stale), outcome.Transient)
		wantTick(t, w, nil, outcome.LoggedIn)
		wantHealthy(t, w)
	})
}

// Reads of the current version may be stale: a spent token is looked up again by id.
func TestStaleRead(t *testing.T) {
	t.Parallel()
	inBubble(t, "before a refresh", func(t *testing.T) {
		w := liveWithoutLogin(t)
		wantTick(t, w, at(readsTokens, 1, 0, rt.Stale), outcome.Refreshed)
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
		wantTick(t, w, at(readsTokens, 1, 0, rt.Stale), outcome.Recovered)
		wantHealthy(t, w)
	})
	// It would stand against the result of a login.
	inBubble(t, "before the first version", func(t *testing.T) {
		w := rt.New()
		tick(w, nil)
		stale := at(readsTokens, 1, 0, rt.Stale)
		got := run(w, stale, refresh.Request{Force: true})
		if n := w.Provider.Calls(rt.Login); got.Outcome != outcome.Transient || n != 1 {
			t.Errorf("outcome %s after %d logins, want transient after one: %v", got.Outcome, n, got.Err)
		}
		wantHealthy(t, w)
	})
}

// binaryAccess is a store with an access secret of a person's bytes.
type binaryAccess struct{ store.Secrets }

func (b binaryAccess) ByID(ctx context.Context, key store.Key, doc store.Document, id string) (store.Version, error) {
	if doc == store.AccessDoc {
		return store.Version{}, store.ErrMalformed
	}
	return b.Secrets.ByID(ctx, key, doc, id)
}

// An access secret that cannot be read proves nothing about the row, and is replaced.
func TestUnreadableAccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := live(t)
		w.Secrets.Put(rt.Default, store.AccessDoc, secret.New("bytes"))
		e := w.Engine(nil)
		e.Secrets = binaryAccess{e.Secrets}
		assert.Equal(t, e.Run(t.Context(), refresh.Request{RunID: "run"})[0].Outcome, outcome.Refreshed)
		wantHealthy(t, w)
	})
}

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
