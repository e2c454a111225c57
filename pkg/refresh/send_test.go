package refresh_test

import (
	"testing"
	"time"

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
			w := live(t)
			if !tt.login {
				loginOff(w)
			}
			token := chain(w).RefreshToken
			sends := 0
			fail := rt.Fail(rt.Refresh, tt.kind, tt.acts)
			w.Provider.Answer = func(op rt.Op) (bool, error) {
				if op == rt.Refresh {
					sends++
				}
				return fail(op)
			}
			got := tick(w, nil)
			if got.Outcome != tt.want {
				t.Fatalf("outcome %s, want %s: %v", got.Outcome, tt.want, got.Err)
			}
			if wantErr := tt.want != outcome.LoggedIn; (got.Err != nil) != wantErr {
				t.Errorf("error %v, want one: %t", got.Err, wantErr)
			}
			if sends != tt.sends || w.Provider.Calls(rt.Login) != tt.logins {
				t.Errorf("%d refreshes and %d logins, want %d and %d", sends, w.Provider.Calls(rt.Login), tt.sends, tt.logins)
			}
			r := row(w)
			if r.State != tt.state || r.Phase != store.Idle {
				t.Errorf("the row is %s and %s, want idle and %s", r.Phase, r.State, tt.state)
			}
			if spent := r.Presented(secret.New(token)); spent != tt.spent {
				t.Errorf("the token counts as spent: %t, want %t", spent, tt.spent)
			}

			w.Provider.Answer = nil
			w.Advance(time.Minute)
			if got := tick(w, nil); got.Outcome != tt.next {
				t.Errorf("then %s, want %s: %v", got.Outcome, tt.next, got.Err)
			}
			if tt.login && tt.state == store.OK {
				wantHealthy(t, w)
			}
			if w.Provider.Seen().Replays != 0 {
				t.Error("replayed")
			}
		})
	}
}

// An error that no provider client classified may have spent the token.
func TestUnclassifiedErrorIsUnknown(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Answer = func(rt.Op) (bool, error) { return false, errPassing }
		if got := tick(w, nil); got.Outcome != outcome.Uncertain {
			t.Errorf("outcome %s, want uncertain", got.Outcome)
		}
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
			if got := row(w).NotBefore.Sub(w.Now()); got != tt.want {
				t.Errorf("waits %s, want %s", got, tt.want)
			}
			w.Provider.Answer = nil
			w.Advance(tt.want - time.Second)
			if got := tick(w, nil); got.Outcome != outcome.NotDue {
				t.Errorf("before the wait is over: %s", got.Outcome)
			}
			w.Advance(time.Second)
			if got := tick(w, nil); got.Outcome != outcome.Refreshed {
				t.Errorf("after the wait: %s", got.Outcome)
			}
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
		got := tick(w, nil)
		if got.Outcome != outcome.Superseded || w.Provider.Calls(rt.Login) != 0 {
			t.Errorf("outcome %s after %d logins, want superseded without a login", got.Outcome, w.Provider.Calls(rt.Login))
		}
		w.Provider.Answer, w.Provider.OnCall = nil, nil
		if got := tick(w, nil); got.Outcome != outcome.Refreshed {
			t.Errorf("then %s, want refreshed: a superseded credential is due at once", got.Outcome)
		}
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
		got := tick(w, nil)
		if got.Outcome != outcome.Superseded || got.VersionID != theirs {
			t.Errorf("outcome %s with version %s, want superseded with %s", got.Outcome, got.VersionID, theirs)
		}
		if id := w.Secrets.Get(rt.Default, store.TokensDoc).ID; id != theirs {
			t.Errorf("current is %s, want the person's %s", id, theirs)
		}
		if r := row(w); r.Escrow.AttemptID != "" || r.RefreshAt.After(w.Now()) {
			t.Errorf("escrow of %q, due at %s; want none, now", r.Escrow.AttemptID, r.RefreshAt)
		}
		w.Provider.OnCall = nil
		tick(w, nil)
		wantHealthy(t, w)
	})
}

// A version that superseded a forced refresh is due at once, although nothing was due before.
func TestEditDuringAForcedRefresh(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		tick(w, nil)
		w.Provider.OnCall = func(rt.Op) { w.Seed(rt.Default) }
		if got := run(w, nil, refresh.Request{Force: true}); got.Outcome != outcome.Superseded {
			t.Errorf("outcome %s: %v", got.Outcome, got.Err)
		}
		w.Provider.OnCall = nil
		if got := tick(w, nil); got.Outcome != outcome.Refreshed {
			t.Errorf("then %s: %v", got.Outcome, got.Err)
		}
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
				if other := run(w, nil, refresh.Request{RunID: "another", Force: true}); other.Outcome != outcome.Recovered {
					t.Errorf("the other run: %s: %v", other.Outcome, other.Err)
				}
				if other := run(w, nil, refresh.Request{RunID: "another", Force: true}); other.Outcome != outcome.Refreshed {
					t.Errorf("the other run: %s: %v", other.Outcome, other.Err)
				}
			}
			return rt.None
		})
		if got.Outcome == outcome.Recovered {
			t.Errorf("outcome %s", got.Outcome)
		}
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
				if got := tick(w, nil); got.Outcome != outcome.Refreshed {
					t.Fatalf("outcome %s: %v", got.Outcome, got.Err)
				}
				w.Advance(12 * time.Minute)
			}
			if got := w.Provider.Presented(token); got != 3 {
				t.Errorf("presented %d times, want 3", got)
			}
			// Also after a recovery.
			tick(w, at(promotes, 1, 0, rt.DieBefore))
			w.Advance(2 * time.Minute)
			tick(w, nil)
			w.Advance(12 * time.Minute)
			if got := tick(w, nil); got.Outcome != outcome.Refreshed {
				t.Errorf("after a recovery: %s: %v", got.Outcome, got.Err)
			}
			wantHealthy(t, w)
		})
	}
}

// A stale read after a refusal does not let an older version stand.
func TestRefusedAndAStaleRead(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := live(t)
		tick(w, nil)
		w.Provider.Answer = rt.Fail(rt.Refresh, providers.Refused, false)
		got := run(w, at(rt.Site{Op: rt.CurrentID, Doc: store.TokensDoc}, 1, 1, rt.Stale), refresh.Request{Force: true})
		if got.Outcome != outcome.LoggedIn {
			t.Errorf("%s: %v", got.Outcome, got.Err)
		}
		wantHealthy(t, w)
	})
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
			w.Latency = func(c rt.Call) time.Duration {
				if c.Site == sends {
					return tt.takes
				}
				return 0
			}
			if got := tick(w, at(sends, 1, 0, rt.FailBefore)); got.Outcome != outcome.Transient {
				t.Errorf("outcome %s: %v", got.Outcome, got.Err)
			}
			tries := 0
			for _, c := range w.Trace() {
				if c.Site == sends {
					tries++
				}
			}
			if tries != tt.want {
				t.Errorf("tried %d times, want %d", tries, tt.want)
			}
		})
	}
}
