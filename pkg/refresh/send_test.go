package refresh_test

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// Each way in which a send can end, and what follows, with a login and without one. spent: whether
// the presented token counts as spent afterwards.
func TestSend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind          providers.Kind
		acts          bool
		login         bool
		want          outcome.Outcome
		state         store.State
		spent         bool
		sends, logins int
		// next is the outcome of the next tick, with the provider well again.
		next outcome.Outcome
	}{
		"not sent": {
			kind: providers.NotSent, login: true,
			want: outcome.Transient, state: store.OK, sends: 3, next: outcome.Refreshed,
		},
		"refused": {
			kind: providers.Refused, login: true,
			want: outcome.LoggedIn, state: store.OK, spent: true, sends: 1, logins: 1, next: outcome.NotDue,
		},
		"refused, no login": {
			kind: providers.Refused,
			want: outcome.Dead, state: store.Dead, spent: true, sends: 1, next: outcome.Dead,
		},
		"misconfigured": {
			kind: providers.Misconfigured, login: true,
			want: outcome.Misconfigured, state: store.Misconfigured, sends: 1, next: outcome.Misconfigured,
		},
		"rate limited": {
			kind: providers.RateLimited, login: true,
			want: outcome.RateLimited, state: store.OK, sends: 1, next: outcome.Refreshed,
		},
		"unknown": {
			kind: providers.Unknown, login: true,
			want: outcome.LoggedIn, state: store.OK, spent: true, sends: 1, logins: 1, next: outcome.NotDue,
		},
		"unknown, had acted": {
			kind: providers.Unknown, acts: true, login: true,
			want: outcome.LoggedIn, state: store.OK, spent: true, sends: 1, logins: 1, next: outcome.NotDue,
		},
		"unknown, no login": {
			kind: providers.Unknown,
			want: outcome.Uncertain, state: store.Uncertain, spent: true, sends: 1, next: outcome.Uncertain,
		},
		"unknown, had acted, no login": {
			kind: providers.Unknown, acts: true,
			want: outcome.Uncertain, state: store.Uncertain, spent: true, sends: 1, next: outcome.Uncertain,
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWith(t, tt.login)
			token := chain(w).RefreshToken
			sends := 0
			fail := rt.Fail(rt.Refresh, tt.kind, tt.acts)
			w.Provider.Answer = func(op rt.Op) (bool, error) {
				if op == rt.Refresh {
					sends++
				}
				return fail(op)
			}
			got := wantTick(t, w, nil, tt.want)
			wantErr := tt.want != outcome.LoggedIn
			assert.Check(t, (got.Err != nil) == wantErr, "error %v, want one: %t", got.Err, wantErr)
			assert.Equal(t, sends, tt.sends)
			assert.Equal(t, w.Provider.Calls(rt.Login), tt.logins)
			r := row(w)
			assert.Equal(t, r.State, tt.state)
			assert.Equal(t, r.Phase, store.Idle)
			assert.Equal(t, r.Presented(secret.New(token)), tt.spent)

			w.Provider.Answer = nil
			wantAfter(t, w, time.Minute, tt.next)
			if tt.login && tt.state == store.OK {
				wantHealthy(t, w)
			}
			assert.Equal(t, w.Provider.Seen().Replays, 0, "replayed")
		})
	}
	// The token may be spent.
	inBubble(t, "an error that no client classified, no login", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Answer = func(rt.Op) (bool, error) { return false, errPassing }
		wantTick(t, w, nil, outcome.Uncertain)
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ asked, want time.Duration }{
		"unsaid":                       {0, time.Minute},
		"short":                        {5 * time.Second, 5 * time.Second},
		"longer than the token's life": {time.Hour, 3 * time.Minute},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t) // three minutes before its access token ends
			w.Provider.Answer = func(rt.Op) (bool, error) {
				return false, &providers.Error{Kind: providers.RateLimited, RetryAfter: tt.asked}
			}
			tick(w, nil)
			assert.Equal(t, row(w).NotBefore.Sub(w.Now()), tt.want)
			w.Provider.Answer = nil
			wantAfter(t, w, tt.want-time.Second, outcome.NotDue)
			wantAfter(t, w, time.Second, outcome.Refreshed)
		})
	}
}

// A refused token may be a race: then there is a newer version.
func TestRefusedButNewerVersion(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.Refused, false)
		w.Provider.OnCall = func(rt.Op) { w.Seed(rt.Default) }
		wantTick(t, w, nil, outcome.Superseded)
		assert.Equal(t, w.Provider.Calls(rt.Login), 0)
		w.Provider.Answer, w.Provider.OnCall = nil, nil
		wantTick(t, w, nil, outcome.Refreshed)
		wantHealthy(t, w)
	})
	inBubble(t, "a stale read lets no older version stand", func(t *testing.T) {
		w := live(t)
		tick(w, nil)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.Refused, false)
		wantRun(t, w, at(rt.Site{Op: rt.CurrentID, Doc: store.TokensDoc}, 1, 1, rt.Stale), refresh.Request{Force: true}, outcome.LoggedIn)
		wantHealthy(t, w)
	})
}

// A person who edits a secret during a refresh wins.
func TestEditDuringTheSendWins(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		theirs := ""
		w.Provider.OnCall = func(rt.Op) {
			w.Seed(rt.Default)
			theirs = w.Secrets.Get(rt.Default, store.TokensDoc).ID
		}
		got := wantTick(t, w, nil, outcome.Superseded)
		assert.Equal(t, got.VersionID, theirs)
		assert.Equal(t, w.Secrets.Get(rt.Default, store.TokensDoc).ID, theirs)
		if r := row(w); r.Escrow.AttemptID != "" || r.RefreshAt.After(w.Now()) {
			t.Errorf("escrow of %q, due at %s; want none, now", r.Escrow.AttemptID, r.RefreshAt)
		}
		w.Provider.OnCall = nil
		tick(w, nil)
		wantHealthy(t, w)
	})
	inBubble(t, "and is due at once, although nothing was due before", func(t *testing.T) {
		w := rt.New()
		tick(w, nil)
		w.Provider.OnCall = func(rt.Op) { w.Seed(rt.Default) }
		wantRun(t, w, nil, refresh.Request{Force: true}, outcome.Superseded)
		w.Provider.OnCall = nil
		wantTick(t, w, nil, outcome.Refreshed)
		wantHealthy(t, w)
	})
}

// A delayed repair does not replace a newer access token with an older one.
func TestRepairHeldUp(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		setupUnpublished(w)
		got := tick(w, func(c rt.Call) rt.Fault {
			if c.Op == rt.Promote && c.Nth == 1 {
				assert.Check(t, is.Equal(run(w, nil, refresh.Request{RunID: "another", Force: true}).Outcome, outcome.Recovered))
				assert.Check(t, is.Equal(run(w, nil, refresh.Request{RunID: "another", Force: true}).Outcome, outcome.Refreshed))
			}
			return rt.None
		})
		assert.Check(t, got.Outcome != outcome.Recovered)
		wantHealthy(t, w)
	})
}

// A token that comes back unchanged, or not at all, is presented again: the
// provider did not rotate it.
func TestTokenThatIsNotRotated(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]func(p *rt.Provider){
		"the same again": func(p *rt.Provider) { p.KeepsTokens = true },
		"none":           func(p *rt.Provider) { p.OmitsTokens = true },
	} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			token := chain(w).RefreshToken
			how(w.Provider)
			for range 3 {
				wantTick(t, w, nil, outcome.Refreshed)
				w.Advance(12 * time.Minute)
			}
			assert.Equal(t, w.Provider.Presented(token), 3)
			// Also after a recovery.
			tick(w, at(promotes, 1, 0, rt.DieBefore))
			after(w, 2*time.Minute)
			wantAfter(t, w, 12*time.Minute, outcome.Refreshed)
			wantHealthy(t, w)
		})
	}
}

// A connection that fails is tried again in the same run, unless it took long.
func TestDialThatHangs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		takes time.Duration
		want  int
	}{"at once": {0, 3}, "after its timeout": {10 * time.Second, 1}} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			w.Trace()
			w.Latency = takes(sends, 0, tt.takes)
			wantTick(t, w, at(sends, 1, 0, rt.FailBefore), outcome.Transient)
			tries := 0
			for _, c := range w.Trace() {
				if c.Site == sends {
					tries++
				}
			}
			assert.Equal(t, tries, tt.want)
		})
	}
}
