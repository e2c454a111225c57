package refresh_test

import (
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Logins that fail back off: one, two, four minutes, then five.
func TestLoginBacksOff(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]providers.Kind{"unknown": providers.Unknown, "not sent": providers.NotSent} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			var waits []time.Duration
			last := w.Now()
			w.Provider.Answer = func(rt.Op) (bool, error) {
				if !last.Equal(w.Now()) { // a request that never left is begun again at once
					waits, last = append(waits, w.Now().Sub(last)), w.Now()
				}
				return false, &providers.Error{Kind: kind}
			}
			pass(w, 4*time.Hour)
			want := []int{1, 2, 4, 5, 5, 5, 5, 5}
			assert.Assert(t, len(waits) >= len(want))
			for i, minutes := range want {
				assert.Equal(t, waits[i], time.Duration(minutes)*time.Minute)
			}
			w.Provider.Answer = nil
			wantAfter(t, w, time.Hour, outcome.LoggedIn)
			assert.Equal(t, row(w).LoginFailures, 0)
		})
	}
	inBubble(t, "a login that kills its process each time", func(t *testing.T) {
		w := rt.New()
		for range 4 * 60 {
			tick(w, at(logins, 1, 0, rt.DieAfter))
			w.Advance(time.Minute)
		}
		assert.Check(t, w.Provider.Calls(rt.Login) <= 51)
	})
}

// The back-off ends early if a person edits the credentials or forces a run.
func TestLoginBackOffEndsEarly(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(w *rt.World) refresh.Request{
		"credentials edited": func(w *rt.World) refresh.Request {
			loginOn(w)
			return refresh.Request{}
		},
		"tokens edited": func(w *rt.World) refresh.Request {
			w.Seed(rt.Default)
			return refresh.Request{}
		},
		"forced": func(*rt.World) refresh.Request { return refresh.Request{Force: true} },
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			w.Provider.Answer = rt.Fail(rt.Login, providers.Unknown, false)
			pass(w, 8*time.Minute)
			w.Provider.Answer = nil
			wantTick(t, w, nil, outcome.NotDue)
			run(w, nil, do(w))
			wantHealthy(t, w)
		})
	}
}

// Refused credentials are tried after one hour, after six and once a day, and at once if a person
// edits them or forces a run.
func TestRefusedLoginWaitsForAnEdit(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]providers.Kind{"refused": providers.Refused, "misconfigured": providers.Misconfigured} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			logins := 0
			w.Provider.Answer = func(rt.Op) (bool, error) {
				logins++
				return false, &providers.Error{Kind: kind}
			}
			var at []int
			for n := range 60 * 60 {
				before := logins
				got := tick(w, nil)
				assert.Assert(t, got.Outcome == outcome.Misconfigured && got.Err != nil, "outcome %s: %v", got.Outcome, got.Err)
				if logins > before {
					at = append(at, n)
				}
				w.Advance(time.Minute)
			}
			assert.DeepEqual(t, at, []int{0, 60, 7 * 60, 31 * 60, 55 * 60})
			run(w, nil, refresh.Request{Force: true})
			assert.Equal(t, logins, 6)
			tick(w, nil)
			assert.Equal(t, logins, 6)
			w.Provider.Answer = nil
			loginOn(w)
			wantTick(t, w, nil, outcome.LoggedIn)
			wantHealthy(t, w)
		})
	}
}

// A dead or uncertain credential goes on once a person gives it something new.
func TestAPersonMends(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]providers.Kind{"dead": providers.Refused, "uncertain": providers.Unknown} {
		for what, edit := range map[string]func(w *rt.World){
			"a login":             func(w *rt.World) { w.Secrets.Put(rt.Default, store.Credentials, w.Provider.Credentials()) },
			"a new refresh token": func(w *rt.World) { w.Seed(rt.Default) },
		} {
			inBubble(t, name+", "+what, func(t *testing.T) {
				w := liveWithoutLogin(t)
				w.Provider.Answer = rt.Fail(rt.Refresh, kind, true)
				for range 3 {
					assert.Equal(t, string(tick(w, nil).Outcome), name)
					w.Advance(time.Minute)
				}
				w.Provider.Answer = nil
				edit(w)
				tick(w, nil)
				wantHealthy(t, w)
			})
		}
	}
}

// A login's reply begins a new family: it takes no refresh token of another.
func TestLoginWithoutRefreshToken(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		old := chain(w).RefreshToken
		w.Provider.OmitsTokens = true
		w.Ledger.Delete(rt.Default) // nobody knows whether the token was presented
		for range 3 {
			wantTick(t, w, nil, outcome.LoggedIn)
			assert.Check(t, chain(w).RefreshToken != old, "the new chain has the old family's refresh token")
			w.Advance(12 * time.Minute)
		}
		assert.Equal(t, w.Provider.Presented(old), 0, "the old family's refresh token was presented")
	})
}

// Sealed replies that can't be read are kept, and read again when the credentials
// have been corrected.
func TestUnreadableReply(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Key = "another"
		wantTick(t, w, nil, outcome.Uncertain)
		attempt := row(w).AttemptID
		if e := kept(w).Escrow; !e.Raw || e.AttemptID != attempt || e.Bytes.IsZero() || e.Sent.IsZero() || row(w).ReplyID != attempt {
			t.Fatalf("kept %+v, want the raw reply of %s", e, attempt)
		}
		assert.Check(t, row(w).Escrow.Bytes.IsZero(), "it is in the row that each tick reads")
		for range 5 {
			wantAfter(t, w, time.Minute, outcome.Uncertain)
		}
		loginOff(w)
		wantRun(t, w, nil, refresh.Request{DryRun: true}, outcome.WouldRecover)
		got := wantTick(t, w, nil, outcome.Recovered)
		assert.Equal(t, got.VersionID, attempt)
		wantHealthy(t, w)
		wantAfter(t, w, 12*time.Minute, outcome.Refreshed)
	})
	// That counts: the reply is not even stored.
	inBubble(t, "a person seeds meanwhile", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Key = "another"
		tick(w, nil)
		attempt := row(w).ReplyID
		loginOff(w)
		w.Seed(rt.Default)
		wantTick(t, w, nil, outcome.Refreshed)
		assert.Check(t, attempt != "")
		assert.Check(t, !slices.Contains(w.Secrets.IDs(rt.Default, store.TokensDoc), attempt), "the reply that had been kept is a version of tokens")
		wantHealthy(t, w)
	})
}

// A login's reply that could not be read is read again in the same way.
func TestUnreadableLogin(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		w.Provider.Key = "another"
		wantTick(t, w, nil, outcome.Transient)
		loginOn(w)
		got := tick(w, nil)
		if got.Outcome != outcome.Recovered || got.Source != store.FromLogin || w.Provider.Calls(rt.Login) != 1 {
			t.Errorf("after the correction: %s from a %s, %d logins: %v",
				got.Outcome, got.Source, w.Provider.Calls(rt.Login), got.Err)
		}
		wantHealthy(t, w)
	})
}

// A reply too big to be the provider's is not worth a row of the ledger.
func TestHugeReplyIsNotKept(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Answer = func(rt.Op) (bool, error) {
			return false, &providers.Error{Kind: providers.Unknown, Raw: secret.New(string(make([]byte, 16<<10+1)))}
		}
		tick(w, nil)
		assert.Check(t, row(w).ReplyID == "", "kept")
		assert.Check(t, kept(w).AttemptID == "", "kept")
	})
}

// A login that died has sent no refresh token. If a person has removed the login since, the rest
// depends on the current token.
func TestLoginDiedAndWasTakenOut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		dies func(w *rt.World)
		want outcome.Outcome
		then outcome.Outcome // at the next tick
	}{
		"the chain lives": {func(w *rt.World) {
			setupDue(w)
			_, _ = resolve(w, at(logins, 1, 0, rt.DieAfter), refresh.Relogin)
		}, outcome.Transient, outcome.Refreshed},
		"the chain is carried": {func(w *rt.World) {
			setupCarried(w)
			full(w)
			_, _ = resolve(w, at(logins, 1, 0, rt.DieAfter), refresh.Relogin)
			w.Secrets.Quota(rt.Default, store.TokensDoc, false)
		}, outcome.Transient, outcome.Recovered},
		"the token is spent": {func(w *rt.World) {
			setupDue(w)
			tick(w, hooks(at(sends, 1, 0, rt.FailAfter), at(logins, 1, 0, rt.DieAfter)))
		}, outcome.Transient, outcome.Uncertain},
		"there never was a token": {func(w *rt.World) { tick(w, at(logins, 1, 0, rt.DieAfter)) }, outcome.Transient, outcome.Dead},
		"after many that died": {func(w *rt.World) {
			for row(w).LoginFailures < 5 {
				tick(w, at(logins, 1, 0, rt.DieAfter))
				w.Advance(30 * time.Second)
			}
		}, outcome.Transient, outcome.Dead},
		"its reply has no refresh token": {func(w *rt.World) {
			w.Provider.OmitsTokens = true
			tick(w, onlyVersion)
		}, outcome.Recovered, outcome.Dead},
		"its reply has none, and the secret is full": {func(w *rt.World) {
			w.Provider.OmitsTokens = true
			tick(w, onlyEscrow)
			full(w)
		}, outcome.PersistFailed, outcome.PersistFailed},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			tt.dies(w)
			loginOff(w)
			w.Advance(2 * time.Minute)
			logged := w.Provider.Calls(rt.Login)
			for _, want := range []outcome.Outcome{tt.want, tt.then} {
				wantTick(t, w, nil, want)
				w.Advance(time.Minute)
			}
			assert.Equal(t, w.Provider.Calls(rt.Login), logged)
			wantPromises(t, w)
		})
	}
}

// After a takeover, too, nothing is asked for that could not be published.
func TestNoLoginWhileAccessCannotBeRead(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		tick(w, at(sends, 1, 0, rt.DieBefore))
		w.Advance(2 * time.Minute)
		w.Secrets.Break(rt.Default, store.AccessDoc, store.ErrForbidden)
		before := w.Provider.Calls(rt.Login)
		wantTick(t, w, nil, outcome.Misconfigured)
		assert.Equal(t, w.Provider.Calls(rt.Login), before)
		w.Secrets.Break(rt.Default, store.AccessDoc, nil)
		wantAfter(t, w, time.Minute, outcome.LoggedIn)
		wantHealthy(t, w)
	})
}
