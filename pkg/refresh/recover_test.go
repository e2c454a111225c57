package refresh_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// What a dead attempt left, and what the tick after its claim does with it.
func TestRecover(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		died  rt.Hook
		login bool
		want  outcome.Outcome
		same  bool // finished under its own attempt id
	}{
		"claimed":                             {at(sends, 1, 0, rt.DieBefore), true, outcome.LoggedIn, false},
		"claimed, no login":                   {at(sends, 1, 0, rt.DieBefore), false, outcome.Uncertain, false},
		"sent":                                {at(sends, 1, 0, rt.DieAfter), true, outcome.LoggedIn, false},
		"sent, no login":                      {at(sends, 1, 0, rt.DieAfter), false, outcome.Uncertain, false},
		"only the escrow has it":              {onlyEscrow, false, outcome.Recovered, true},
		"staged":                              {at(promotes, 1, 0, rt.DieBefore), false, outcome.Recovered, true},
		"promoted":                            {at(promotes, 1, 0, rt.DieAfter), false, outcome.Recovered, true},
		"all but settled":                     {at(claims, 3, 0, rt.DieBefore), false, outcome.Recovered, true},
		"no store could be written":           {stores(rt.FailBefore), true, outcome.LoggedIn, false},
		"no store could be written, no login": {stores(rt.FailBefore), false, outcome.Uncertain, false},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWith(t, tt.login)
			token := chain(w).RefreshToken
			tick(w, tt.died)
			attempt := row(w).AttemptID
			wantTick(t, w, nil, outcome.Busy)
			w.Advance(2 * time.Minute)
			wantRun(t, w, nil, refresh.Request{DryRun: true}, outcome.WouldRecover)
			got := wantTick(t, w, nil, tt.want)
			assert.Check(t, (row(w).AttemptID == attempt) == (tt.same || tt.want == outcome.Uncertain))
			assert.Check(t, !tt.same || got.VersionID == attempt, "version %s, want %s", got.VersionID, attempt)
			if tt.want != outcome.Uncertain {
				wantHealthy(t, w)
			}
			assert.Check(t, w.Provider.Presented(token) <= 1)
		})
	}
	inBubble(t, "a person empties tokens that may be spent", func(t *testing.T) {
		w := live(t)
		loginOff(w)
		tick(w, at(sends, 1, 0, rt.DieAfter))
		wantAfter(t, w, 2*time.Minute, outcome.Uncertain)
		w.Secrets.Put(rt.Default, store.TokensDoc, secret.New("{}"))
		wantTick(t, w, nil, outcome.Dead)
		assert.Equal(t, row(w).State, store.Dead)
	})
}

// stores ends every write of a reply with fault; the claim alone works.
func stores(fault rt.Fault) rt.Hook {
	return hooks(at(stages, 1, 0, fault), at(stagesAccess, 1, 0, fault), at(claims, 2, 0, fault))
}

// A reply that both stores refused, and that lands late in one of them, is recovered.
func TestLateLanding(t *testing.T) {
	t.Parallel()
	inBubble(t, "before the recovery", func(t *testing.T) {
		w := liveWithoutLogin(t)
		wantTick(t, w, stores(rt.LandLater), outcome.PersistFailed)
		w.Land()
		wantAfter(t, w, 2*time.Minute, outcome.Recovered)
		wantHealthy(t, w)
	})
	for _, paused := range []bool{false, true} {
		name := "after uncertain"
		if paused {
			name += ", paused"
		}
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			tick(w, stores(rt.LandLater))
			w.Advance(2 * time.Minute)
			for range 3 {
				wantTick(t, w, nil, outcome.Uncertain)
			}
			w.Ledger.Pause(rt.Default, paused)
			w.Land()
			wantTick(t, w, nil, outcome.Recovered)
			wantHealthy(t, w)
		})
	}
}

// A pause stops provider calls; a stored reply is still finished.
func TestPausedRecovery(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		died rt.Hook
		want outcome.Outcome
	}{
		"staged": {at(promotes, 1, 0, rt.DieBefore), outcome.Recovered},
		"escrow": {onlyEscrow, outcome.Recovered},
		"lost":   {at(sends, 1, 0, rt.DieAfter), outcome.Paused},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			tick(w, tt.died)
			w.Ledger.Pause(rt.Default, true)
			wantAfter(t, w, 2*time.Minute, tt.want)
			assert.Equal(t, w.Provider.Calls(rt.Login), 0)
			w.Ledger.Pause(rt.Default, false)
			tick(w, nil)
			wantHealthy(t, w)
		})
	}
}

// Nothing is decided before it is known whether the version exists.
func TestRecoveryWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	versions := rt.Site{Op: rt.ByID, Doc: store.TokensDoc}
	for name, hook := range map[string]rt.Hook{
		"version":     at(versions, 1, 0, rt.FailBefore),
		"tokens":      at(readsTokens, 1, 0, rt.FailBefore),
		"credentials": at(rt.Site{Op: rt.Current, Doc: store.Credentials}, 1, 0, rt.FailBefore),
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			tick(w, at(sends, 1, 0, rt.DieAfter))
			w.Advance(2 * time.Minute)
			wantTick(t, w, hook, outcome.Transient)
			assert.Equal(t, w.Provider.Calls(rt.Login), 0)
			got := tick(w, nil)
			assert.Check(t, got.Outcome == outcome.LoggedIn, "then %s: %v", got.Outcome, got.Err) // at once: there is no claim to wait for
			wantHealthy(t, w)
		})
	}
	inBubble(t, "a person must act", func(t *testing.T) {
		w := live(t)
		tick(w, at(promotes, 1, 0, rt.DieBefore))
		w.Advance(2 * time.Minute)
		w.Secrets.Break(rt.Default, store.TokensDoc, store.ErrForbidden)
		wantTick(t, w, nil, outcome.Misconfigured)
		w.Secrets.Break(rt.Default, store.TokensDoc, nil)
		wantTick(t, w, nil, outcome.Recovered)
		wantHealthy(t, w)
	})
}

// After a death the credential goes on with a person's edit.
func TestEditAfterADeath(t *testing.T) {
	t.Parallel()
	for name, died := range map[string]rt.Hook{
		"sent": at(sends, 1, 0, rt.DieAfter), "staged": at(promotes, 1, 0, rt.DieBefore), "escrow": onlyEscrow,
	} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			tick(w, died)
			w.Seed(rt.Default)
			theirs := w.Secrets.Get(rt.Default, store.TokensDoc).ID
			w.Advance(2 * time.Minute)
			if got := tick(w, nil); got.Outcome != outcome.Superseded || got.VersionID != theirs {
				t.Errorf("outcome %s with %s: %v", got.Outcome, got.VersionID, got.Err)
			}
			wantTick(t, w, nil, outcome.Refreshed)
			wantHealthy(t, w)
		})
	}
}

// The caller's cancellation just after the reply loses nothing.
func TestCancelledAfterTheReply(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		ctx, cancel := context.WithCancel(t.Context())
		got := w.Engine(hooks(on(stages, 0, cancel), on(stagesAccess, 0, cancel), on(claims, 2, cancel))).Run(ctx, refresh.Request{RunID: "run"})[0]
		assert.Equal(t, got.Outcome, outcome.Refreshed, "%v", got.Err)
		wantHealthy(t, w)
	})
	// A reply that came too late is settled: no run has to wait for the claim.
	inBubble(t, "during the send", func(t *testing.T) {
		w := liveWithoutLogin(t)
		ctx, cancel := context.WithCancel(t.Context())
		w.Latency = takes(sends, 0, time.Second)
		got := w.Engine(on(sends, 0, cancel)).Run(ctx, refresh.Request{RunID: "run"})[0]
		assert.Equal(t, got.Outcome, outcome.Uncertain, "%v", got.Err)
		assert.Equal(t, row(w).Phase, store.Idle)
	})
}

// A dead attempt has left a version that another release of this program wrote in another form. Its
// id shows whose it is: it is used as it is.
func TestVersionInOtherWords(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		tick(w, onlyEscrow)
		attempt := row(w).AttemptID
		theirs := secret.New(fmt.Sprintf(`{"access_token":%q,"of":"another release"}`, "at-1-3"))
		_, err := w.Engine(nil).Secrets.Stage(t.Context(), rt.Default, store.AccessDoc, store.Version{ID: attempt, Value: theirs})
		assert.NilError(t, err)
		w.Advance(2 * time.Minute)
		if got := tick(w, nil); got.Outcome != outcome.Recovered || got.VersionID != attempt {
			t.Errorf("outcome %s with version %s, want recovered with %s: %v", got.Outcome, got.VersionID, attempt, got.Err)
		}
		if got := w.Secrets.Get(rt.Default, store.AccessDoc); got.ID != attempt || got.Value != theirs {
			t.Errorf("version %s of access is current, want %s as it was staged", got.ID, attempt)
		}
		wantHealthy(t, w)
	})
}
