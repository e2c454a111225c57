package refresh_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

var asks = rt.Site{Op: rt.Ask}

// lenient is a world without a login that is due, and whose provider is lenient with tokens that
// were presented, and the token.
func lenient(t *testing.T, how func(*rt.Provider)) (*rt.World, string) {
	t.Helper()
	w := liveWithoutLogin(t)
	how(w.Provider)
	return w, chain(w).RefreshToken
}

func reusing(d time.Duration) func(*rt.Provider) { return func(p *rt.Provider) { p.Reuse = d } }

func asking(p *rt.Provider) { p.Asks = true }

func resorting(p *rt.Provider) { p.LastResort = true }

// wantPresented runs a tick after so long and checks its outcome, and how often the token has been
// presented by then.
func wantPresented(
	t *testing.T, w *rt.World, d time.Duration, hook rt.Hook, want outcome.Outcome, token string, presented int,
) refresh.Result {
	t.Helper()
	w.Advance(d)
	got := wantTick(t, w, hook, want)
	assert.Equal(t, w.Provider.Presented(token), presented)
	wantPromises(t, w)
	return got
}

func TestTokenIsPresentedAgain(t *testing.T) {
	t.Parallel()
	for name, reuse := range map[string]time.Duration{"always": providers.Always, "ten minutes": 10 * time.Minute} {
		for fate, hook := range map[string]rt.Hook{
			"the reply was lost":      at(sends, 1, 0, rt.FailAfter),
			"it was never acted on":   at(sends, 1, 0, rt.AnswerUnknown),
			"the process died then":   at(sends, 1, 0, rt.DieAfter),
			"the process died before": at(sends, 1, 0, rt.DieBefore),
		} {
			inBubble(t, name+", "+fate, func(t *testing.T) {
				w, token := lenient(t, reusing(reuse))
				first := tick(w, hook)
				presented := w.Provider.Presented(token)
				if dies := strings.Contains(fate, "died"); !dies && (first.Outcome != outcome.Transient || row(w).State != store.OK) {
					t.Errorf("%s, the row is %s", first.Outcome, row(w).State)
				} else if dies {
					wantPresented(t, w, 2*time.Minute, nil, outcome.Transient, token, presented) // the takeover presents nothing
				}
				wantPresented(t, w, 2*time.Minute, nil, outcome.Refreshed, token, presented+1)
				wantHealthy(t, w)
			})
		}
	}
}

// Within a grace nothing else follows an unknown answer; behind it all is as without one.
func TestGraceEnds(t *testing.T) {
	t.Parallel()
	for login, want := range map[bool]outcome.Outcome{false: outcome.Uncertain, true: outcome.LoggedIn} {
		inBubble(t, fmt.Sprint("login ", login), func(t *testing.T) {
			w := liveWith(t, login)
			w.Provider.Reuse = 10 * time.Minute
			token, began := chain(w).RefreshToken, w.Now()
			for n := range 20 {
				got := tick(w, at(sends, 1, 0, rt.AnswerUnknown))
				if end := w.Now().Sub(began); got.Outcome == want {
					assert.Check(t, end >= 8*time.Minute)
					assert.Check(t, end <= 10*time.Minute)
					break
				} else if got.Outcome != outcome.Transient && got.Outcome != outcome.NotDue || n == 19 {
					t.Fatalf("login %t: %s (%v) after %s", login, got.Outcome, got.Err, end)
				}
				w.Advance(time.Minute)
			}
			assert.Equal(t, w.Provider.Presented(token), 0) // the model counts those that it acts on
			wantPromises(t, w)
		})
	}
}

func TestWhatIsNoLicence(t *testing.T) {
	t.Parallel()
	lost := at(sends, 1, 0, rt.FailAfter)
	cases := map[string]struct {
		reuse time.Duration
		then  func(w *rt.World)
		want  outcome.Outcome
	}{
		"a grace too short for a death":  {150 * time.Second, func(*rt.World) {}, outcome.Uncertain},
		"a first time that is not known": {time.Hour, func(w *rt.World) { change(w, func(r *store.Row) { r.PresentedAt = time.Time{} }) }, outcome.Uncertain},
		"a token before the last": {
			providers.Always, func(w *rt.World) { change(w, func(r *store.Row) { r.Spent = append(r.Spent, "another") }) }, outcome.Uncertain,
		},
		"the last token, of which nobody knows when": {
			providers.Always, func(w *rt.World) { change(w, func(r *store.Row) { r.PresentedAt = time.Time{} }) }, outcome.Refreshed,
		},
	}
	for name, tc := range cases {
		inBubble(t, name, func(t *testing.T) {
			w, token := lenient(t, reusing(tc.reuse))
			tick(w, lost)
			tc.then(w)
			w.Advance(2 * time.Minute)
			presented := 1
			if tc.want == outcome.Refreshed {
				presented++
			}
			wantPresented(t, w, 0, nil, tc.want, token, presented)
		})
	}
}

// Never in the same run, and not while the first request may be under way, whoever asks for it.
func TestNotWhileTheFirstMayBeUnderWay(t *testing.T) {
	t.Parallel()
	w, token := lenient(t, reusing(providers.Always))
	tick(w, at(sends, 1, 0, rt.FailAfter))
	for range 6 { // the claim lasts for 70 s
		w.Advance(10 * time.Second)
		wantRun(t, w, nil, refresh.Request{Force: true}, outcome.Transient)
		assert.Equal(t, w.Provider.Presented(token), 1)
	}
	wantPresented(t, w, 10*time.Second, nil, outcome.Refreshed, token, 2)
}

// What a repeat is answered says nothing of the first presentation.
func TestAnswersToARepeat(t *testing.T) {
	t.Parallel()
	for fault, want := range map[rt.Fault]outcome.Outcome{
		rt.AnswerRefused: outcome.Dead, rt.AnswerRateLimited: outcome.RateLimited, rt.AnswerTurnedAway: outcome.Misconfigured,
		rt.AnswerMaybeRefused: outcome.Misconfigured, rt.FailBefore: outcome.Transient, rt.AnswerUnknown: outcome.Transient,
	} {
		inBubble(t, fault.String(), func(t *testing.T) {
			w, token := lenient(t, reusing(time.Hour))
			tick(w, at(sends, 1, 0, rt.FailAfter))
			at1 := row(w).PresentedAt
			w.Advance(2 * time.Minute)
			got := tick(w, at(sends, 1, 0, fault))
			if r := row(w); got.Outcome != want || !r.PresentedAt.Equal(at1) || r.Spent[len(r.Spent)-1] != fingerprint(token) {
				t.Errorf("%s (%v), first presented at %s, was %s", got.Outcome, got.Err, r.PresentedAt, at1)
			}
			if want == outcome.Dead && !strings.Contains(got.Err.Error(), "it was presented before, first at "+at1.Format(time.RFC3339)) {
				t.Errorf("it does not say that the token was presented before: %v", got.Err)
			}
			wantPromises(t, w)
			if want == outcome.Dead {
				return
			}
			wantPresented(t, w, 5*time.Minute, nil, outcome.Refreshed, token, w.Provider.Presented(token)+1)
		})
	}
}

// What is not known of a token, its issuer is asked, and the token presented only if it says
// that it has not acted.
func TestAskInsteadOfGuessing(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lost  rt.Fault
		want  outcome.Outcome
		again int
	}{
		"not acted":               {rt.AnswerUnknown, outcome.Refreshed, 1},
		"not acted, and it died":  {rt.DieBefore, outcome.Refreshed, 1},
		"acted":                   {rt.FailAfter, outcome.Uncertain, 1},
		"acted, and it died then": {rt.DieAfter, outcome.Uncertain, 1},
	}
	for name, tc := range cases {
		inBubble(t, name, func(t *testing.T) {
			w, token := lenient(t, asking)
			tick(w, at(sends, 1, 0, tc.lost))
			if tc.lost == rt.DieBefore || tc.lost == rt.DieAfter {
				after(w, 2*time.Minute)
			}
			n := w.Provider.Presented(token)
			assert.Check(t, n <= 1 && row(w).State == store.OK, "presented %d times, the row is %s", n, row(w).State)
			got := wantPresented(t, w, 2*time.Minute, nil, tc.want, token, tc.again)
			if tc.want == outcome.Refreshed {
				wantHealthy(t, w)
				return
			}
			assert.Check(t, strings.Contains(got.Err.Error(), "has acted"))
			w.Trace()
			wantPresented(t, w, 10*time.Minute, nil, outcome.Uncertain, token, 1)
			for _, call := range w.Trace() {
				assert.Check(t, call.Site != asks, "the issuer is asked again, although it has answered")
			}
		})
	}
}

// An issuer without an answer leaves the token uncertain, and is asked again. It is asked a
// second time just before the token is sent.
func TestNoAnswerFromTheIssuer(t *testing.T) {
	t.Parallel()
	w, token := lenient(t, asking)
	tick(w, at(sends, 1, 0, rt.AnswerUnknown))
	wantPresented(t, w, 2*time.Minute, at(asks, 1, 0, rt.FailBefore), outcome.Uncertain, token, 0)
	wantPresented(t, w, 5*time.Minute, at(asks, 2, 0, rt.FailBefore), outcome.Transient, token, 0)
	wantPresented(t, w, 5*time.Minute, nil, outcome.Refreshed, token, 1)
	wantHealthy(t, w)
}

// A run that may not call anybody asks nobody.
func TestDryRunAsksNobody(t *testing.T) {
	t.Parallel()
	w, _ := lenient(t, asking)
	tick(w, at(sends, 1, 0, rt.AnswerUnknown))
	w.Advance(2 * time.Minute)
	w.Trace()
	run(w, nil, refresh.Request{DryRun: true})
	for _, call := range w.Trace() {
		assert.Check(t, !call.ToProvider())
	}
}

// Where a token is taken once, the row says no more of it than that it was presented.
func TestNothingElseOfATokenTakenOnce(t *testing.T) {
	t.Parallel()
	for fault := range map[rt.Fault]bool{rt.None: true, rt.AnswerUnknown: true, rt.FailAfter: true, rt.AnswerTurnedAway: true} {
		inBubble(t, fault.String(), func(t *testing.T) {
			w := liveWithoutLogin(t)
			tick(w, at(sends, 1, 0, fault))
			r := row(w)
			assert.Check(t, r.PresentedAt.IsZero() && r.Fate == "", "%s: presented at %s, %s", fault, r.PresentedAt, r.Fate)
		})
	}
}

// A first presentation that a clock an hour ahead wrote is forgotten by the next run, and not
// believed an hour later.
func TestPresentedInTheFuture(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{5 * time.Minute, time.Hour} {
		inBubble(t, ahead.String(), func(t *testing.T) {
			w, token := lenient(t, reusing(10*time.Minute))
			w.SkewedEngine(at(sends, 1, 0, rt.FailAfter), ahead).Run(t.Context(), refresh.Request{RunID: "ahead"})
			wantPresented(t, w, time.Minute, nil, outcome.NotDue, token, 1)
			assert.Check(t, row(w).PresentedAt.IsZero())
			for range 70 {
				wantPresented(t, w, time.Minute, nil, outcome.Uncertain, token, 1)
			}
			change(w, func(r *store.Row) { r.PresentedAt = w.Now().Add(ahead) })
			wantPresented(t, w, 0, nil, outcome.Uncertain, token, 1)
			assert.Check(t, row(w).PresentedAt.IsZero())
		})
	}
}

// Nor is it when its attempt died: without a login that needs a person at once.
func TestDiedInTheFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, token := lenient(t, reusing(10*time.Minute))
		w.SkewedEngine(at(sends, 1, 0, rt.DieAfter), time.Hour).Run(t.Context(), refresh.Request{RunID: "ahead"})
		wantPresented(t, w, time.Minute, nil, outcome.Busy, token, 1)
		wantPresented(t, w, 2*time.Minute, nil, outcome.Uncertain, token, 1)
	})
}

// Repeats back off, and the last that is in time is made.
func TestRepeatsBackOff(t *testing.T) {
	t.Parallel()
	for reuse, want := range map[time.Duration]string{
		providers.Always: "0 2 4 8 13 18 23 28 33 38",
		12 * time.Minute: "0 2 4 8 11",
		18 * time.Minute: "0 2 4 8 13 17",
		20 * time.Minute: "0 2 4 8 13 18",
	} {
		inBubble(t, reuse.String(), func(t *testing.T) {
			w, _ := lenient(t, reusing(reuse))
			var sent []string
			for n := range 40 {
				before := w.Provider.Calls(rt.Refresh)
				tick(w, at(sends, 1, 0, rt.AnswerUnknown))
				if w.Provider.Calls(rt.Refresh) > before {
					sent = append(sent, strconv.Itoa(n))
				}
				w.Advance(time.Minute)
			}
			assert.Equal(t, strings.Join(sent, " "), want)
		})
	}
}

// A claim that a clock an hour ahead wrote is waited for as long as any claim lasts.
func TestClaimOfAClockAhead(t *testing.T) {
	t.Parallel()
	w, token := lenient(t, asking)
	w.SkewedEngine(at(sends, 1, 0, rt.AnswerUnknown), time.Hour).Run(t.Context(), refresh.Request{RunID: "ahead"})
	w.Advance(time.Second)
	for _, want := range []outcome.Outcome{outcome.NotDue, outcome.Transient, outcome.Transient} {
		wantPresented(t, w, 0, nil, want, token, 0)
		w.Advance(40 * time.Second)
	}
	assert.Equal(t, w.Provider.Calls(rt.Ask), 0)
	wantPresented(t, w, 20*time.Second, nil, outcome.Refreshed, token, 1)
}

// A person who says later that the issuer can be asked, or takes tokens again, is believed.
func TestReuseIsSaidLater(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]func(*rt.Provider){
		"asks":   asking,
		"always": reusing(providers.Always),
	} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			token := chain(w).RefreshToken
			wantPresented(t, w, 0, at(sends, 1, 0, rt.AnswerUnknown), outcome.Uncertain, token, 0)
			wantPresented(t, w, 2*time.Minute, nil, outcome.Uncertain, token, 0)
			say(w.Provider)
			loginOff(w) // which is an edit of the credentials
			wantAfter(t, w, time.Minute, outcome.Refreshed)
		})
	}
}

// A grace that is too short for a death is no grace, and the text says so.
func TestGraceOfNoUse(t *testing.T) {
	t.Parallel()
	for fate, fault := range map[string]rt.Fault{"lost": rt.FailAfter, "died": rt.DieAfter} {
		inBubble(t, fate, func(t *testing.T) {
			w, token := lenient(t, reusing(30*time.Second))
			got := tick(w, at(sends, 1, 0, fault))
			if fault == rt.DieAfter {
				w.Advance(2 * time.Minute)
				got = wantPresented(t, w, 0, nil, outcome.Uncertain, token, 1)
			}
			assert.Check(t, got.Err != nil)
			assert.Check(t, strings.Contains(got.Err.Error(), "takes it again for 30s is of no use: after a death 2m50s are needed"))
		})
	}
}

// What can be read of a chain that is presented again does not stop it, and what cannot does not
// count as a presentation.
func TestLastResortIsNotWasted(t *testing.T) {
	t.Parallel()
	cases := map[string]rt.Hook{
		"not sent":            at(sends, 1, 0, rt.FailBefore),
		"turned away":         at(sends, 1, 0, rt.AnswerTurnedAway),
		"access is unread":    at(rt.Site{Op: rt.CurrentID, Doc: store.AccessDoc}, 1, 0, rt.FailBefore),
		"the claim is unread": at(claims, 1, 0, rt.FailBefore),
	}
	for name, hook := range cases {
		inBubble(t, name, func(t *testing.T) {
			w, token := lenient(t, resorting)
			wantPresented(t, w, 0, at(sends, 1, 0, rt.AnswerUnknown), outcome.Uncertain, token, 0)
			w.Advance(4 * time.Minute)
			tick(w, hook)
			wantPresented(t, w, 10*time.Minute, nil, outcome.Refreshed, token, 1)
		})
	}
}

// Too late to send is too late to ask.
func TestNoTimeToAsk(t *testing.T) {
	t.Parallel()
	inBubble(t, "", func(t *testing.T) {
		w, _ := lenient(t, asking)
		tick(w, at(sends, 1, 0, rt.AnswerUnknown))
		w.Advance(2 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		slow := on(readsTokens, 0, func() { time.Sleep(5 * time.Second) }) // of 17.5 s that an attempt needs, 15 are left
		got := w.Engine(slow).Run(ctx, refresh.Request{RunID: "late"})[0]
		assert.Equal(t, got.Outcome, outcome.Left, "%v", got.Err)
		assert.Equal(t, w.Provider.Calls(rt.Ask), 0)
	})
}

// Once its access token has ended, an uncertain token is presented once more, and never again.
func TestLastResort(t *testing.T) {
	t.Parallel()
	for fault, want := range map[rt.Fault]outcome.Outcome{rt.AnswerUnknown: outcome.Refreshed, rt.FailAfter: outcome.Dead} {
		inBubble(t, fault.String(), func(t *testing.T) {
			w, token := lenient(t, resorting)
			wantPresented(t, w, 0, at(sends, 1, 0, fault), outcome.Uncertain, token, w.Provider.Presented(token)+map[rt.Fault]int{rt.FailAfter: 1}[fault])
			wantAfter(t, w, time.Minute, outcome.Uncertain)
			wantAfter(t, w, 3*time.Minute, want)
		})
	}
	w, _ := lenient(t, resorting)
	tick(w, at(sends, 1, 0, rt.AnswerUnknown))
	w.Advance(5 * time.Minute)
	tick(w, at(sends, 1, 0, rt.AnswerUnknown)) // the last resort
	calls := w.Provider.Calls(rt.Refresh)
	for range 5 {
		wantAfter(t, w, 5*time.Minute, outcome.Uncertain)
		assert.Equal(t, w.Provider.Calls(rt.Refresh), calls)
	}
}
