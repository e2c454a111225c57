package refresh_test

import (
	"flag"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
)

var stride = flag.Int("stride", 197, "TestTwoFaults takes every so-manieth second fault; 1: all of them, for a quarter of an hour")

// next are the choices that may follow the history's last one. If another history has reached the
// same state before, that one explores what follows.
func (h *history) next(seen map[state]bool) []choice {
	calls := h.calls()
	from, tick := 0, 0
	if n := len(h.choices); n > 0 {
		last := h.choices[n-1].moment
		tick = last.tick
		if last.site != (moment{}).site {
			from = 1 + slices.Index(calls, last)
		}
	}
	until := faulty
	for n := tick + 1; n < until; n++ {
		if s, ok := h.states[n]; ok {
			s = state(fmt.Sprint(n, s))
			if seen[s] {
				until = n
			} else if seen != nil {
				seen[s] = true
			}
			break // what comes after is decided by it
		}
	}
	var all []choice
	for n := tick; n < until; n++ {
		if n > tick || len(h.choices) == 0 {
			all = append(all, beforeTick(n)...)
		}
	}
	for _, m := range calls[from:] {
		if m.tick < until {
			all = append(all, choicesAt(m)...)
		}
	}
	return slices.DeleteFunc(all, h.unpromised)
}

// exploration plays histories and remembers what it has seen.
type exploration struct {
	*testing.T
	scenario
	latency order
	ends    map[state]bool   // states from which all was well, left alone
	seen    []map[state]bool // and with so many choices to come
	told    map[string]int
	played  int
	known   int
}

func explore(t *testing.T, s scenario) *exploration {
	t.Helper()
	return &exploration{
		T: t, scenario: s, latency: orders()[0], ends: map[state]bool{}, told: map[string]int{},
		seen: []map[state]bool{{}, {}, {}},
	}
}

// from plays the history of choices, and all histories with up to more choices after them. take
// reports whether to take a choice, with so many to come.
func (x *exploration) from(more int, take func(more int, c choice) bool, choices ...choice) {
	least, seen := 0, x.ends
	if more > 0 {
		least, seen = faulty, nil // its calls are wanted
	}
	h := play(x.scenario, x.latency, least, seen, choices...)
	x.played++
	if h.known {
		x.known++
	}
	if h.broken == "" {
		for _, s := range h.states {
			x.ends[s] = true
		}
	} else if x.told[h.broken]++; x.told[h.broken] <= 2 {
		x.Errorf("%s", h.story())
	}
	if more == 0 {
		return
	}
	for _, c := range h.next(x.seen[more]) {
		if take(more, c) {
			x.from(more-1, take, append(slices.Clone(choices), c)...)
		}
	}
}

// TestOneFault plays every fault once, with parallel calls that end in one order and in another.
func TestOneFault(t *testing.T) {
	t.Parallel()
	eachScenario(t, func(x *exploration) {
		for n, latency := range orders() {
			x.latency = latency
			first := 0
			x.from(1, func(_ int, c choice) bool {
				first++
				return first%thin == 0 && (n == 0 || c.cuts()) // the order matters only where it is cut off
			})
		}
	})
}

// TestTwoFaults plays pairs of faults.
func TestTwoFaults(t *testing.T) {
	t.Parallel()
	eachScenario(t, func(x *exploration) {
		first, second := 0, 0
		x.from(2, func(more int, _ choice) bool {
			if more == 2 {
				first++
				return first%thin == 0
			}
			second++
			return second%*stride == 0
		})
	})
}

// eachScenario explores all scenarios and logs how many histories that were.
func eachScenario(t *testing.T, test func(*exploration)) {
	t.Helper()
	var played, known atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d histories; %d of them came to a state of which it was known how it goes on", played.Load(), known.Load())
	})
	for _, s := range scenarios() {
		inBubble(t, s.name, func(t *testing.T) {
			x := explore(t, s)
			test(x)
			played.Add(int64(x.played))
			known.Add(int64(x.known))
		})
	}
}
