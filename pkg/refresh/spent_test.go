package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
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
				w.Advance(12 * time.Minute)
				tick(w, nil)
			}
			w.Secrets.Put(rt.Default, store.TokensDoc, value(old))
			w.Advance(12 * time.Minute)
			wantTick(t, w, nil, outcome.Refreshed)
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
}

// restorations leave a world whose row is older than its secrets, all tokens of which were
// presented.
var restorations = map[string]func(t *testing.T, w *rt.World){
	"idle": func(_ *testing.T, w *rt.World) {
		backup := row(w)
		tick(w, nil)
		w.Advance(12 * time.Minute)
		tick(w, at(sends, 1, 0, rt.DieAfter)) // presents the current token
		w.Ledger.Set(backup)
	},
	// The escrow's chain is long spent: it must not become current again.
	"with an escrow": func(t *testing.T, w *rt.World) {
		w.Secrets.Quota(rt.Default, store.TokensDoc, true)
		tick(w, nil)
		backup := row(w)
		assert.Check(t, backup.Escrow.AttemptID != "", "no escrow")
		w.Secrets.Quota(rt.Default, store.TokensDoc, false)
		refreshes(w, 3)
		w.Ledger.Set(backup)
	},
	"in the midst of an attempt": func(_ *testing.T, w *rt.World) {
		tick(w, at(promotes, 1, 0, rt.DieBefore))
		backup := row(w)
		w.Advance(2 * time.Minute)
		tick(w, nil)
		refreshes(w, 1)
		w.Ledger.Set(backup)
	},
	// The one claim since has the fence that the next one would have.
	"one refresh ago, and a person rolled tokens back": func(_ *testing.T, w *rt.World) {
		backup, id := row(w), w.Secrets.Get(rt.Default, store.TokensDoc).ID
		tick(w, nil)
		w.Advance(12 * time.Minute)
		w.Ledger.Set(backup)
		w.Secrets.RollBack(rt.Default, store.TokensDoc, id)
	},
	"and a person rolled tokens back to the row's version": func(_ *testing.T, w *rt.World) {
		backup, id := row(w), w.Secrets.Get(rt.Default, store.TokensDoc).ID
		tick(w, nil)
		refreshes(w, 2)
		w.Ledger.Set(backup)
		w.Secrets.RollBack(rt.Default, store.TokensDoc, id)
	},
	"and a person rolled tokens back to the version before": func(_ *testing.T, w *rt.World) {
		id := w.Secrets.Get(rt.Default, store.TokensDoc).ID
		tick(w, nil)
		backup := row(w)
		refreshes(w, 2)
		w.Ledger.Set(backup)
		w.Secrets.RollBack(rt.Default, store.TokensDoc, id)
	},
	// Its version is there, and was replaced long ago.
	"in the midst of an attempt, and rolled back to its base": func(_ *testing.T, w *rt.World) {
		id := w.Secrets.Get(rt.Default, store.TokensDoc).ID
		tick(w, at(promotes, 1, 0, rt.DieBefore))
		backup := row(w)
		w.Advance(2 * time.Minute)
		tick(w, nil)
		refreshes(w, 2)
		w.Ledger.Set(backup)
		w.Secrets.RollBack(rt.Default, store.TokensDoc, id)
	},
	"with an escrow, and rolled back to its base": func(_ *testing.T, w *rt.World) {
		id := w.Secrets.Get(rt.Default, store.TokensDoc).ID
		w.Secrets.Quota(rt.Default, store.TokensDoc, true)
		tick(w, nil)
		backup := row(w)
		w.Secrets.Quota(rt.Default, store.TokensDoc, false)
		refreshes(w, 3)
		w.Ledger.Set(backup)
		w.Secrets.RollBack(rt.Default, store.TokensDoc, id)
	},
	// The row claims that this version's token was never sent.
	"that waits for a permission, and rolled back to its version": func(_ *testing.T, w *rt.World) {
		id := w.Secrets.Get(rt.Default, store.TokensDoc).ID
		w.Secrets.Break(rt.Default, store.Credentials, store.ErrForbidden)
		tick(w, nil)
		backup := row(w)
		w.Secrets.Break(rt.Default, store.Credentials, nil)
		tick(w, nil)
		refreshes(w, 1)
		w.Ledger.Set(backup)
		w.Secrets.RollBack(rt.Default, store.TokensDoc, id)
	},
	"and a person put an old text back": func(_ *testing.T, w *rt.World) {
		backup := row(w)
		tick(w, nil)
		refreshes(w, 2)
		old := w.Secrets.Get(rt.Default, store.TokensDoc).Value
		refreshes(w, 1)
		w.Ledger.Set(backup)
		w.Secrets.Put(rt.Default, store.TokensDoc, old)
	},
}

// refreshes lets n refreshes come due, and pass.
func refreshes(w *rt.World, n int) {
	for range n {
		w.Advance(12 * time.Minute)
		tick(w, nil)
	}
	w.Advance(12 * time.Minute)
}

// A row restored from a backup does not know the attempts since: no token is presented again, and
// none of the row's old replies is promoted, whatever people do to the secrets.
func TestRestoredRow(t *testing.T) {
	t.Parallel()
	for name, restore := range restorations {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			restore(t, w)
			was := w.Secrets.History(rt.Default, store.TokensDoc)
			restored := row(w)
			got := run(w, nil, refresh.Request{DryRun: true})
			assert.NilError(t, got.Err)
			if now := row(w); now.Fence != restored.Fence || now.VersionID != restored.VersionID || !slices.Equal(now.Spent, restored.Spent) {
				t.Error("a dry run has written the row")
			}
			got = tick(w, nil)
			assert.Equal(t, got.Outcome, outcome.LoggedIn, "%v", got.Err)
			told := slices.DeleteFunc(got.Warnings, func(s string) bool { return !strings.Contains(s, "older than the secrets") })
			assert.Check(t, len(told) == 1 || name == "idle", "told %d times that the row is older than the secrets, want once", len(told))
			assert.Check(t, !slices.Contains(was, w.Secrets.Get(rt.Default, store.TokensDoc).ID))
			wantHealthy(t, w)
			refreshes(w, 2)
			tick(w, nil)
			wantHealthy(t, w)
		})
		inBubble(t, name+", no login", func(t *testing.T) {
			w := live(t)
			loginOff(w)
			tick(w, nil) // looks at the edit
			w.Advance(12 * time.Minute)
			restore(t, w)
			id := w.Secrets.Get(rt.Default, store.TokensDoc).ID
			for range 2 {
				wantTick(t, w, nil, outcome.Uncertain)
				w.Advance(2 * time.Minute)
			}
			for _, how := range []refresh.Resolution{refresh.Accept, refresh.Discard} {
				req := refresh.Request{RunID: "person", Account: rt.Default.Account}
				if got, err := w.Engine(nil).Resolve(t.Context(), req, how); !errors.Is(err, refresh.ErrUnresolved) {
					t.Errorf("%s: %s, %v", how, got.Outcome, err)
				}
			}
			assert.Equal(t, w.Secrets.Get(rt.Default, store.TokensDoc).ID, id)
			wantPromises(t, w)
			w.Seed(rt.Default)
			tick(w, nil)
			wantHealthy(t, w)
		})
	}
}

// A run over a restored row dies or fails at any of its calls, and people roll tokens back, or
// resolve: the row is still recognised as restored.
func TestRestoredRowAndADeath(t *testing.T) {
	t.Parallel()
	for name, restore := range restorations {
		for _, fault := range []rt.Fault{rt.DieBefore, rt.DieAfter, rt.FailBefore} {
			inBubble(t, fmt.Sprintf("%s, %v", name, fault), func(t *testing.T) {
				for _, then := range []string{"", "rolls back", "accept", "discard"} {
					for n, reached := 1, true; reached; n++ {
						w := live(t)
						restore(t, w)
						reached = diesOnce(w, n, fault)
						w.Advance(2 * time.Minute)
						switch then {
						case "rolls back":
							history := w.Secrets.History(rt.Default, store.TokensDoc)
							w.Secrets.RollBack(rt.Default, store.TokensDoc, history[0])
						case "accept", "discard":
							_, _ = resolve(w, nil, refresh.Resolution(then)) // it may be refused: only the promises count
						}
						refreshes(w, 2)
						wantPromises(t, w)
						assert.Check(t, n <= 100, "a run without an end")
					}
				}
			})
		}
	}
}

// A text with a token alone does not show that an attempt brought it.
func TestTokenPutBackBesideARestoredRow(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		tick(w, at(promotes, 1, 0, rt.DieBefore))
		backup := row(w)
		w.Advance(2 * time.Minute)
		tick(w, nil)
		token := chain(w).RefreshToken
		refreshes(w, 1) // presents it
		w.Ledger.Set(backup)
		tokens(`{"refresh_token":"` + token + `"}`)(w)
		// Access alone shows that the row was restored: nothing is decided before tokens is read.
		wantTick(t, w, at(readsTokens, 1, 0, rt.FailBefore), outcome.Transient)
		wantTick(t, w, nil, outcome.Uncertain)
		wantPromises(t, w)
	})
}

// diesOnce is a tick whose nth call, of any kind, has the fault. It reports whether there was such
// a call.
func diesOnce(w *rt.World, n int, fault rt.Fault) bool {
	var calls atomic.Int64
	tick(w, func(rt.Call) rt.Fault {
		if calls.Add(1) == int64(n) {
			return fault
		}
		return rt.None
	})
	return calls.Load() >= int64(n)
}

// Stale reads of both secrets before the takeover hide that the row was restored; the reads after
// it do not.
func TestRestoredRowAndStaleReads(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		restorations["in the midst of an attempt"](t, w)
		again, label := rt.Site{Op: rt.CurrentID, Doc: store.TokensDoc}, rt.Site{Op: rt.CurrentID, Doc: store.AccessDoc}
		got := wantTick(t, w, hooks(at(readsTokens, 1, 1, rt.Stale), at(again, 1, 1, rt.Stale), at(label, 1, 1, rt.Stale)), outcome.LoggedIn)
		assert.Check(t, strings.Contains(fmt.Sprint(got.Warnings), "older than the secrets"))
		wantHealthy(t, w)
	})
}

// A person's decision on a restored row restores nothing old.
func TestResolveARestoredRow(t *testing.T) {
	t.Parallel()
	for name, restore := range restorations {
		for _, how := range []refresh.Resolution{refresh.Accept, refresh.Discard} {
			inBubble(t, fmt.Sprintf("%s, %s", name, how), func(t *testing.T) {
				w := live(t)
				restore(t, w)
				id := w.Secrets.Get(rt.Default, store.TokensDoc).ID
				req := refresh.Request{RunID: "person", Account: rt.Default.Account}
				got, err := w.Engine(nil).Resolve(t.Context(), req, how)
				assert.Check(t, errors.Is(err, refresh.ErrUnresolved) || got.Outcome == outcome.LoggedIn, "%s, %v", got.Outcome, err)
				now := w.Secrets.Get(rt.Default, store.TokensDoc).ID
				assert.Check(t, err == nil || now == id, "tokens went from %s to %s", id, now)
				tick(w, nil)
				w.Advance(12 * time.Minute)
				tick(w, nil)
				wantHealthy(t, w)
			})
		}
	}
}

// An edit that a row has not seen yet, or access that a person has edited, makes no row look
// restored.
func TestNotRestored(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(w *rt.World){
		"access edited": func(w *rt.World) {
			w.Secrets.Put(rt.Default, store.AccessDoc, secret.New(`{"access_token":"mine","attempt_id":"x"}`))
		},
		"access edited, with a fence of no sense": func(w *rt.World) {
			w.Secrets.Put(rt.Default, store.AccessDoc, secret.New(`{"access_token":"mine","fence":"9"}`))
		},
		"access edited, with a fence that no row can go beyond": func(w *rt.World) {
			w.Secrets.Put(rt.Default, store.AccessDoc, secret.New(`{"access_token":"mine","fence":9223372036854775807}`))
		},
		"a seed": func(w *rt.World) { w.Seed(rt.Default) },
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			loginOff(w)
			edit(w)
			for range 3 {
				tick(w, nil)
				w.Advance(12 * time.Minute)
			}
			assert.Equal(t, row(w).State, store.OK)
			tick(w, nil)
			wantHealthy(t, w)
		})
	}
}

// A stale read after a lost row is no base for a login: the next run would take its result for
// outdated.
func TestLostRowAndStaleRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := live(t)
		w.Ledger.Delete(rt.Default)
		wantTick(t, w, at(readsTokens, 1, 0, rt.Stale), outcome.Transient)
		wantTick(t, w, nil, outcome.LoggedIn)
		wantHealthy(t, w)
	})
}

// Nor is a read from before the first version, which would stand against the login's result.
func TestStaleReadBeforeTheFirstVersion(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
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
