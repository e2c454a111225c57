package refresh_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// restoration leaves a world whose row is older than its secrets. All tokens in them were presented.
type restoration struct {
	before     func(w *rt.World) // the backup; nil: nothing
	since      func(w *rt.World)
	rolledBack bool // a person then makes the version current that was at the beginning
}

func (r restoration) restore(w *rt.World) {
	id := w.Secrets.Get(rt.Default, store.TokensDoc).ID
	if r.before != nil {
		r.before(w)
	}
	backup := row(w)
	r.since(w)
	w.Ledger.Set(backup)
	if r.rolledBack {
		w.Secrets.RollBack(rt.Default, store.TokensDoc, id)
	}
}

var restorations = map[string]restoration{
	"idle": {since: func(w *rt.World) {
		tick(w, nil)
		w.Advance(12 * time.Minute)
		tick(w, at(sends, 1, 0, rt.DieAfter)) // presents the current token
	}},
	// The escrow's chain is long spent: it must not become current again.
	"with an escrow":             {before: intoTheEscrow, since: hasRoom(3)},
	"in the midst of an attempt": {before: dies, since: isFinished(1)},
	// The one claim since has the fence that the next one would have.
	"one refresh ago, and a person rolled tokens back":      {since: isRefreshed(0), rolledBack: true},
	"and a person rolled tokens back to the row's version":  {since: isRefreshed(2), rolledBack: true},
	"and a person rolled tokens back to the version before": {before: once, since: func(w *rt.World) { refreshes(w, 2) }, rolledBack: true},
	// Its version is there, and was replaced long ago.
	"in the midst of an attempt, and rolled back to its base": {before: dies, since: isFinished(2), rolledBack: true},
	"with an escrow, and rolled back to its base":             {before: intoTheEscrow, since: hasRoom(3), rolledBack: true},
	// The row claims that this version's token was never sent.
	"that waits for a permission, and rolled back to its version": {
		before: func(w *rt.World) {
			w.Secrets.Break(rt.Default, store.Credentials, store.ErrForbidden)
			tick(w, nil)
		},
		since: func(w *rt.World) {
			w.Secrets.Break(rt.Default, store.Credentials, nil)
			isRefreshed(1)(w)
		},
		rolledBack: true,
	},
	"and a person put an old text back": {since: func(w *rt.World) {
		isRefreshed(2)(w)
		old := w.Secrets.Get(rt.Default, store.TokensDoc).Value
		refreshes(w, 1)
		w.Secrets.Put(rt.Default, store.TokensDoc, old)
	}},
}

func once(w *rt.World) { tick(w, nil) }

func dies(w *rt.World) { tick(w, at(promotes, 1, 0, rt.DieBefore)) }

// intoTheEscrow lets a reply into the escrow alone, because tokens is full.
func intoTheEscrow(w *rt.World) {
	full(w)
	tick(w, nil)
}

// hasRoom, isFinished and isRefreshed are what happens then, with n more refreshes.
func hasRoom(n int) func(w *rt.World) {
	return func(w *rt.World) {
		w.Secrets.Quota(rt.Default, store.TokensDoc, false)
		refreshes(w, n)
	}
}

func isFinished(n int) func(w *rt.World) {
	return func(w *rt.World) {
		w.Advance(2 * time.Minute)
		isRefreshed(n)(w)
	}
}

func isRefreshed(n int) func(w *rt.World) {
	return func(w *rt.World) {
		tick(w, nil)
		refreshes(w, n)
	}
}

// refreshes lets n refreshes come due, and pass.
func refreshes(w *rt.World, n int) {
	for range n {
		after(w, 12*time.Minute)
	}
	w.Advance(12 * time.Minute)
}

// A row restored from a backup does not know the attempts since: no token is presented again, and
// none of the row's old replies is promoted, whatever people do to the secrets.
func TestRestoredRow(t *testing.T) {
	t.Parallel()
	for name, r := range restorations {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			r.restore(w)
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
			r.restore(w)
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
	// A text with a token alone does not show that an attempt brought it.
	inBubble(t, "a token put back", func(t *testing.T) {
		w := liveWithoutLogin(t)
		tick(w, at(promotes, 1, 0, rt.DieBefore))
		backup := row(w)
		after(w, 2*time.Minute)
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

// A run over a restored row dies or fails at any of its calls, and people roll tokens back, or
// resolve: the row is still recognised as restored.
func TestRestoredRowAndADeath(t *testing.T) {
	t.Parallel()
	for name, r := range restorations {
		for _, fault := range []rt.Fault{rt.DieBefore, rt.DieAfter, rt.FailBefore} {
			inBubble(t, fmt.Sprintf("%s, %v", name, fault), func(t *testing.T) {
				for _, then := range []string{"", "rolls back", "accept", "discard"} {
					for n, reached := 1, true; reached; n++ {
						w := live(t)
						r.restore(w)
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
						assert.Assert(t, n <= 100, "a run without an end")
					}
				}
			})
		}
	}
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
		restorations["in the midst of an attempt"].restore(w)
		again, label := rt.Site{Op: rt.CurrentID, Doc: store.TokensDoc}, rt.Site{Op: rt.CurrentID, Doc: store.AccessDoc}
		got := wantTick(t, w, hooks(at(readsTokens, 1, 1, rt.Stale), at(again, 1, 1, rt.Stale), at(label, 1, 1, rt.Stale)), outcome.LoggedIn)
		assert.Check(t, strings.Contains(fmt.Sprint(got.Warnings), "older than the secrets"))
		wantHealthy(t, w)
	})
}

// A person's decision on a restored row restores nothing old.
func TestResolveARestoredRow(t *testing.T) {
	t.Parallel()
	for name, r := range restorations {
		for _, how := range []refresh.Resolution{refresh.Accept, refresh.Discard} {
			inBubble(t, fmt.Sprintf("%s, %s", name, how), func(t *testing.T) {
				w := live(t)
				r.restore(w)
				id := w.Secrets.Get(rt.Default, store.TokensDoc).ID
				req := refresh.Request{RunID: "person", Account: rt.Default.Account}
				got, err := w.Engine(nil).Resolve(t.Context(), req, how)
				assert.Check(t, errors.Is(err, refresh.ErrUnresolved) || got.Outcome == outcome.LoggedIn, "%s, %v", got.Outcome, err)
				now := w.Secrets.Get(rt.Default, store.TokensDoc).ID
				assert.Check(t, err == nil || now == id, "tokens went from %s to %s", id, now)
				tick(w, nil)
				after(w, 12*time.Minute)
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
