package refresh_test

import (
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

// The reply to a refresh outlives later logins, and is used as soon as it can be read, if nobody
// has put another version into tokens.
func TestKeptReplyOutlivesLogins(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(op rt.Op) (bool, error){
		"unreadable too": func(rt.Op) (bool, error) { return true, nil },
		"a 2xx without tokens": func(op rt.Op) (bool, error) {
			if op == rt.Login {
				return false, &providers.Error{Kind: providers.Unknown, Raw: secret.New(`{"message":"maintenance"}`)}
			}
			return true, nil
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			w.Provider.Key = "another"
			w.Provider.Answer = answer
			for range 20 {
				got := tick(w, nil)
				assert.Check(t, got.Outcome == outcome.Transient || got.Outcome == outcome.NotDue, "%s: %v", got.Outcome, got.Err)
				w.Advance(time.Minute)
			}
			attempt := row(w).ReplyID
			w.Provider.Answer = nil
			loginOn(w)
			got := tick(w, nil)
			if got.Outcome != outcome.Recovered || got.VersionID != attempt || got.Source != store.FromRefresh {
				t.Errorf("%s of %s from a %s, want %s recovered: %v", got.Outcome, got.VersionID, got.Source, attempt, got.Err)
			}
			wantHealthy(t, w)
			assert.Check(t, row(w).ReplyID == "", "the reply is kept on")
			assert.Check(t, kept(w).Escrow.Bytes.IsZero(), "the reply is kept on")
		})
	}
}

// A login's reply without token fields does not replace another login's reply.
func TestKeptReplyOfALogin(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := rt.New()
		w.Provider.Key = "another"
		tick(w, nil)
		first := row(w).ReplyID
		w.Provider.Answer = func(rt.Op) (bool, error) {
			return false, &providers.Error{Kind: providers.Unknown, Raw: secret.New(`{"message":"maintenance"}`)}
		}
		w.Advance(time.Minute)
		if tick(w, nil); row(w).ReplyID != first || kept(w).AttemptID != first || row(w).AttemptID == first {
			t.Errorf("reply %s is kept, want %s", row(w).ReplyID, first)
		}
		w.Provider.Answer = nil
		after(w, 2*time.Minute)
		assert.Check(t, row(w).ReplyID == row(w).AttemptID, "a later reply that may hold tokens is not kept")
	})
}

// A new refresh token that cannot be read costs readers nothing: they get the access token.
func TestPartOfAReply(t *testing.T) {
	t.Parallel()
	inBubble(t, "with a login", func(t *testing.T) {
		w := live(t)
		w.Provider.Odd = true
		old := chain(w).RefreshToken
		got := wantTick(t, w, nil, outcome.Refreshed)
		assert.Check(t, len(got.Warnings) != 0)
		if access, _ := read(w, store.AccessDoc); !w.Provider.Accepts(access.AccessToken) || chain(w).RefreshToken != "" {
			t.Errorf("readers have %s, the next refresh token is %q", access.AccessToken, chain(w).RefreshToken)
		}
		first := row(w).ReplyID
		for range 11 {
			wantAfter(t, w, time.Minute, outcome.NotDue)
		}
		w.Advance(time.Minute) // the login's reply is odd too
		if got := tick(w, nil); got.Outcome != outcome.LoggedIn || row(w).ReplyID != first || kept(w).AttemptID != first {
			t.Errorf("when it is due: %s, and reply %s is kept, want %s", got.Outcome, row(w).ReplyID, first)
		}
		w.Provider.Odd = false
		wantAfter(t, w, 12*time.Minute, outcome.LoggedIn)
		assert.Check(t, row(w).ReplyID == "", "the reply is kept although a chain with a refresh token is current")
		assert.Check(t, kept(w).Escrow.Bytes.IsZero(), "the reply is kept although a chain with a refresh token is current")
		wantHealthy(t, w)
		assert.Equal(t, w.Provider.Presented(old), 1)
	})
	inBubble(t, "without a login", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Odd = true
		for range 20 {
			got := wantTick(t, w, nil, outcome.Uncertain)
			assert.Check(t, got.Err != nil)
			w.Advance(30 * time.Second)
			if access, id := read(w, store.AccessDoc); !w.Provider.Accepts(access.AccessToken) || id != row(w).PublishedVersionID {
				t.Fatalf("readers have %s", access.AccessToken)
			}
		}
		assert.Equal(t, w.Provider.Calls(rt.Refresh), 2)
		loginOff(w) // an edit without effect
		wantTick(t, w, nil, outcome.Uncertain)
		w.Provider.Odd = false
		w.Seed(rt.Default)
		tick(w, nil)
		wantHealthy(t, w)
		assert.Check(t, row(w).ReplyID == "", "the reply is kept on")
	})
	inBubble(t, "and access fails", func(t *testing.T) {
		w := live(t)
		w.Provider.Odd = true
		before, _ := read(w, store.AccessDoc)
		wantTick(t, w, at(stagesAccess, 1, 0, rt.FailBefore), outcome.PersistFailed)
		after(w, time.Minute)
		if access, _ := read(w, store.AccessDoc); !w.Provider.Accepts(access.AccessToken) || access.AccessToken == before.AccessToken {
			t.Errorf("readers have %s", access.AccessToken)
		}
	})
}

// A later release that can read the reply uses it, under an id of its own.
func TestPartOfAReplyBecomesWhole(t *testing.T) {
	t.Parallel()
	for _, hook := range []rt.Hook{nil, at(promotes, 1, 0, rt.DieBefore), at(stages, 1, 0, rt.DieBefore), at(stages, 1, 0, rt.DieAfter)} {
		inBubble(t, "", func(t *testing.T) {
			w := live(t)
			w.Provider.Odd = true
			tick(w, nil)
			w.Provider.ReadsOdd = true
			w.Advance(12 * time.Minute)
			tick(w, hook)
			w.Advance(2 * time.Minute)
			for range 2 {
				tick(w, nil)
			}
			assert.Equal(t, w.Provider.Calls(rt.Login), 0)
			wantHealthy(t, w)
		})
	}
}

// A reply that an older release kept in the row can still be read.
func TestReplyKeptInTheRow(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Key = "another"
		tick(w, nil)
		change(w, func(r *store.Row) { r.Escrow, r.ReplyID = kept(w).Escrow, "" })
		w.Ledger.Delete(store.ReplyKey(rt.Default))
		loginOff(w)
		wantTick(t, w, nil, outcome.Recovered)
		wantHealthy(t, w)
	})
}

// A process that dies between keeping a reply and naming it loses nothing.
func TestReplyThatIsNotNamed(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Key = "another"
		tick(w, at(claims, 3, 0, rt.DieBefore)) // the claim, the reply, and its name
		assert.Check(t, row(w).ReplyID == "")
		assert.Check(t, kept(w).AttemptID != "")
		loginOff(w)
		wantAfter(t, w, 2*time.Minute, outcome.Recovered)
		wantHealthy(t, w)
	})
}

// A person's decision finds the kept reply, and discarding forgets it.
func TestResolveAKeptReply(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Odd = true
		tick(w, nil)
		req := refresh.Request{RunID: "person", Account: rt.Default.Account}
		if got, err := w.Engine(nil).Resolve(t.Context(), req, refresh.Accept); err == nil {
			t.Errorf("what cannot be read is accepted: %s", got.Outcome)
		}
		w.Provider.ReadsOdd = true
		if got, err := w.Engine(nil).Resolve(t.Context(), req, refresh.Accept); err != nil || got.Outcome != outcome.Recovered {
			t.Errorf("%s: %v, %v", got.Outcome, got.Err, err)
		}
		wantHealthy(t, w)
	})
}

// A partial reply that a dead process has kept is finished like a whole one. Without a login it
// leaves the credential uncertain.
func TestPartOfAReplyAfterADeath(t *testing.T) {
	t.Parallel()
	inBubble(t, "kept in tokens", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Odd = true
		tick(w, at(promotes, 1, 0, rt.DieBefore))
		after(w, 2*time.Minute)
		wantPart(t, w)
	})
	inBubble(t, "kept in the escrow, and tokens takes nothing", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Provider.Odd = true
		// The writes are the claim, the reply, its name and the escrow.
		tick(w, hooks(at(stages, 1, 0, rt.FailBefore), at(stagesAccess, 1, 0, rt.FailBefore), at(claims, 5, 5, rt.DieBefore)))
		w.Advance(2 * time.Minute)
		wantTick(t, w, at(stages, 1, 0, rt.FailBefore), outcome.PersistFailed)
		after(w, time.Minute)
		wantPart(t, w)
	})
}

func wantPart(t *testing.T, w *rt.World) {
	t.Helper()
	r := row(w)
	assert.Check(t, r.State == store.Uncertain && r.ReplyID != "" && partly(w), "the row is %s, its reply %q: %s", r.State, r.ReplyID, unhealthy(w))
	wantTick(t, w, nil, outcome.Uncertain)
	wantPromises(t, w)
}

// A process that stalls while it keeps a raw reply keeps it when it wakes up, however short the
// stall.
func TestStandsStillWhileItKeepsAReply(t *testing.T) {
	t.Parallel()
	for _, stall := range []time.Duration{5 * time.Second, 13 * time.Second, 19 * time.Second, 40 * time.Second} {
		inBubble(t, stall.String(), func(t *testing.T) {
			w := liveWithoutLogin(t)
			w.Flows, w.Provider.Odd = true, true
			// The first write is the claim. What the second has begun has timed out.
			tick(w, hooks(on(claims, 2, func() { time.Sleep(stall) }), at(claims, 2, 2, rt.FailBefore)))
			assert.Check(t, row(w).ReplyID != "", "the reply is not kept")
			assert.Equal(t, kept(w).AttemptID, row(w).ReplyID, "the reply is not kept")
		})
	}
}
