package refresh_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
)

var stride = flag.Int("stride", 29, "TestTwoFaults takes every so-manieth first fault and second fault; 1: all, for minutes")

const (
	faulty = 4 // faults come in so many first ticks
	quiet  = 6 // ticks without faults at the end: a claim may have to run out first
	heals  = 3 // of these do something, until a credential with a login is healthy
)

// history is what became of some choices.
type history struct {
	scenario
	choices  []choice
	calls    []choice // every call made, as a choice without a fault
	outcomes []outcome.Outcome
	world    *rt.World
	healthy  int // ticks that did something, from the last fault until healthy; 0: never
}

// play runs the history of choices.
func play(s scenario, latency order, choices []choice) history {
	w := rt.New()
	w.Latency = latency
	s.setup(w)
	w.Trace()
	h := history{scenario: s, choices: choices, world: w}
	from := s.quiet // the first tick without faults
	for _, c := range choices {
		from = max(from, c.tick+1, c.land)
	}
	for n, worked := 0, 0; n < from+quiet && h.healthy == 0; n++ {
		for _, c := range choices {
			if c.land == n {
				w.Land()
			}
		}
		if s.meanwhile != nil {
			s.meanwhile(w, n)
		}
		result := h.tick(n)
		if n >= from && result != outcome.Busy {
			worked++
			if unhealthy(w) == "" {
				h.healthy = worked
			}
		}
		w.Advance(time.Minute)
	}
	return h
}

// tick runs the nth tick under the choices that are about it.
func (h *history) tick(n int) outcome.Outcome {
	sent := map[rt.Op]int{}
	h.world.Provider.Answer = func(op rt.Op) (bool, error) {
		sent[op]++
		for _, c := range h.choices {
			if c.answered && c.tick == n && c.site.Op == op && c.nth == sent[op] {
				return rt.Fail(op, c.answer, false)(op)
			}
		}
		return true, nil
	}
	result := run(h.world, func(call rt.Call) rt.Fault {
		for _, c := range h.choices {
			if c.tick == n && c.site == call.Site && (c.nth == call.Nth || c.lasts && call.Nth > c.nth) {
				return c.fault
			}
		}
		return rt.None
	}, refresh.Request{RunID: fmt.Sprint("run-", n)}).Outcome
	for _, c := range h.world.Trace() {
		h.calls = append(h.calls, choice{tick: n, site: c.Site, nth: c.Nth})
	}
	h.outcomes = append(h.outcomes, result)
	return result
}

// broken says which promise the history broke; empty: none.
func (h *history) broken() string {
	if n := h.world.Provider.Replays(); n > 0 {
		return fmt.Sprintf("%d replays", n)
	}
	if back := h.world.Secrets.WentBack(); len(back) > 0 {
		return fmt.Sprintf("tokens went back to %v", back)
	}
	if row(h.world).Phase != refresh.Idle {
		return "stuck: still sending"
	}
	late := h.has(func(c choice) bool { return c.fault == rt.LandLater })
	if !late {
		if lost := h.unpromoted(); lost != "" {
			return lost
		}
	}
	switch {
	case h.healthy > heals && !late && len(h.choices) == 1:
		return fmt.Sprintf("healthy only after %d ticks", h.healthy)
	case h.healthy > 0:
		return ""
	case h.login:
		return "never healthy: " + unhealthy(h.world)
	}
	// Without a login a token that may be spent needs a person, and no other.
	switch state := row(h.world).State; state {
	case refresh.Uncertain, refresh.Dead:
		if !slices.Contains(row(h.world).Spent, fingerprint(chain(h.world).RefreshToken)) {
			return fmt.Sprintf("%s although the current refresh token was not presented", state)
		}
		return ""
	default:
		return "never healthy: " + unhealthy(h.world)
	}
}

func dies(c choice) bool { return c.fault == rt.DieBefore || c.fault == rt.DieAfter }

func (h *history) has(what func(choice) bool) bool { return slices.ContainsFunc(h.choices, what) }

// unpromoted says which reply a store accepted and was never made current, although
// nothing newer is: no reply of a later attempt, and no version of a person.
func (h *history) unpromoted() string {
	was := h.world.Secrets.History(rt.Default, refresh.TokensDoc)
	accepted := append(h.world.Ledger.Escrowed(), h.world.Secrets.IDs(rt.Default, refresh.TokensDoc)...)
	accepted = slices.DeleteFunc(accepted, func(id string) bool { return !strings.HasPrefix(id, rt.AttemptIDs) })
	if len(accepted) == 0 || slices.Contains(h.outcomes, outcome.Superseded) {
		return ""
	}
	newest := slices.Max(accepted) // ids count up
	if slices.Contains(was, newest) {
		return ""
	}
	if slices.Contains(h.outcomes, outcome.LoggedIn) {
		return "" // a login that no store was told of before is newer still
	}
	return fmt.Sprintf("reply %s was accepted by a store and never promoted", newest)
}

// report fails t for a broken history, but for the first few of a kind only.
func report(t *testing.T, h history, seen map[string]int) {
	t.Helper()
	broken := h.broken()
	if broken == "" {
		return
	}
	if seen[broken]++; seen[broken] <= 2 {
		t.Errorf("%s\n\tfaults: %v\n\toutcomes: %v", broken, h.choices, h.outcomes)
	}
}

// TestOneFault plays every fault at every call of the first tick.
func TestOneFault(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		inBubble(t, s.name, func(t *testing.T) {
			count, seen := 0, map[string]int{}
			for n, latency := range orders() {
				plain := play(s, latency, nil)
				for _, c := range plain.next() {
					if c.tick > 0 {
						break
					}
					// The order of a parallel group matters only where it is cut off.
					if n == 0 || dies(c) {
						count++
						report(t, play(s, latency, []choice{c}), seen)
					}
				}
			}
			t.Logf("%d histories", count)
		})
	}
}

// TestTwoFaults plays pairs of faults: the first at any call of the first tick, the
// second at any call that comes after it.
func TestTwoFaults(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		inBubble(t, s.name, func(t *testing.T) {
			count, seen := 0, map[string]int{}
			latency := orders()[0]
			plain := play(s, latency, nil)
			for i, first := range plain.next() {
				if first.tick > 0 {
					break
				}
				if i%*stride != 0 {
					continue
				}
				one := play(s, latency, []choice{first})
				for k, second := range one.next() {
					if (i+k)%*stride == 0 {
						count++
						report(t, play(s, latency, []choice{first, second}), seen)
					}
				}
			}
			t.Logf("%d histories", count)
		})
	}
}
