package refresh_test

import (
	"fmt"
	"slices"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// moment is a call of a history; without a site: the moment before a tick's run.
type moment struct {
	tick  int
	rival bool // of the run that a second process makes in the same tick
	site  rt.Site
	nth   int // the run's calls from the site, from 1
}

// what is an event at a call, or right before it.
type what int

const (
	faults    what = iota // the call ends in the fault
	faultsOn              // and so do all later ones from its site, until the run ends
	lands                 // reported as failed; done before a later tick
	stalls                // the process stands still for less than its claim, and its time is over when it wakes up
	freezes               // the process stands still until a later tick, and goes on as if nothing had been
	seeds                 // a person puts the refresh token of a new login into tokens
	loses                 // the ledger loses the row
	restores              // the ledger gets an older row back
	rollsBack             // a person makes the version of tokens current again that was before
	cancels               // the run's caller gives up
	rivals                // another process makes a whole run first
	yields                // the rival waits until the other run has ended
	skews                 // the run's clock is off
	lags                  // the tick comes late
	forces                // a person forces the run
	resolves              // a person resolves instead of the run
)

// stall is for how long a process stalls: more than a run has, and less than its claim.
const stall = 62 * time.Second

// choice is one fault, or one event in between, in a history.
type choice struct {
	moment
	what  what
	fault rt.Fault
	until int           // the tick in which it lands, or in which the process wakes up
	by    time.Duration // how far into that it lands; how far the clock is off; how late the tick comes
	how   refresh.Resolution
	old   backup
}

// backup is which of the older rows comes back.
type backup string

// The backups.
const (
	oldest    backup = "the oldest"
	lastClaim backup = "the last claim"
)

// String names the choice; names are unique in a history.
func (c choice) String() string {
	run := fmt.Sprintf("tick %d", c.tick)
	if c.rival {
		run += " rival"
	}
	call := fmt.Sprintf("%s#%d", c.site, c.nth)
	switch c.what {
	case faults:
		return fmt.Sprintf("%s: %s: %s", run, call, c.fault)
	case faultsOn:
		return fmt.Sprintf("%s: %s and on: %s", run, call, c.fault)
	case lands:
		return fmt.Sprintf("%s: %s: failed, lands %s into tick %d", run, call, c.by, c.until)
	case stalls:
		return fmt.Sprintf("%s: stalls at %s for %s", run, call, c.by)
	case freezes:
		return fmt.Sprintf("%s: frozen at %s until tick %d", run, call, c.until)
	case seeds:
		return fmt.Sprintf("%s: a person seeds before %s", run, call)
	case loses:
		return fmt.Sprintf("%s: the row is lost before %s", run, call)
	case restores:
		return fmt.Sprintf("%s: %s is restored before %s", run, c.old, call)
	case rollsBack:
		return fmt.Sprintf("%s: tokens is rolled back before %s", run, call)
	case cancels:
		return fmt.Sprintf("%s: cancelled at %s", run, call)
	case rivals:
		return fmt.Sprintf("%s: a rival runs before %s", run, call)
	case yields:
		return fmt.Sprintf("%s: yields at %s", run, call)
	case skews:
		return fmt.Sprintf("%s: clock off by %s", run, c.by)
	case forces:
		return run + ": forced"
	case resolves:
		return fmt.Sprintf("%s: a person resolves: %s", run, c.how)
	case lags:
		return fmt.Sprintf("%s: late by %s", run, c.by)
	}
	panic("unreachable")
}

// has reports whether one of the choices is of these.
func has(choices []choice, these ...what) bool {
	return slices.ContainsFunc(choices, func(c choice) bool { return slices.Contains(these, c.what) })
}

// over is the first tick after the choice's last effect.
func (c choice) over() int {
	if c.what == stalls {
		return c.tick + 2
	}
	return max(c.tick, c.until) + 1
}

// ahead is by how many ticks a clock that is ahead delays things.
func (c choice) ahead() int {
	if c.what != skews {
		return 0
	}
	return max(0, int(c.by/period))
}

// cuts reports whether the choice ends what a process does at a point of its own.
func (c choice) cuts() bool {
	return c.what == cancels || c.what == freezes || c.what == stalls || c.what == yields || c.fault == rt.DieBefore || c.fault == rt.DieAfter
}

// heals reports whether the fault can happen to calls from site and leaves nothing that waits for a
// person, as a refused login does.
func heals(fault rt.Fault, site rt.Site) bool {
	refused := fault == rt.AnswerRefused || fault == rt.AnswerMaybeRefused
	return fault.On(site) && (!refused || site.Op != rt.Login)
}

// unpromised reports whether nothing is promised once c follows the choices of h: that
// one run is misled by two stale reads of tokens after the row was lost. See "The row
// lost" in docs/protocol.md, section "What can still go wrong". Nor, where tokens are presented
// again, once clocks or a request are further off than any margin: see "A token that is presented
// again" there.
func (h *history) unpromised(c choice) bool {
	if h.tooLate(c) {
		return true
	}
	misleads := func(o choice) bool {
		return o.fault == rt.Stale && o.site.Doc == store.TokensDoc && o.tick == c.tick && o.rival == c.rival
	}
	lost := slices.IndexFunc(h.choices, func(o choice) bool { return o.what == loses })
	return lost >= 0 && misleads(c) && slices.ContainsFunc(h.choices[lost:], misleads)
}

// tooLate reports whether once c follows the choices of h a token can be presented, or its request
// arrive, later than its claim tells, where others present it again.
func (h *history) tooLate(c choice) bool {
	all := append(slices.Clone(h.choices), c)
	once := h.resort || slices.ContainsFunc(all, func(c choice) bool { return c.what == resolves && c.how == refresh.Retry })
	late := slices.ContainsFunc(all, func(c choice) bool {
		return c.what == freezes || c.what == lands && c.site.Op == rt.Refresh
	})
	drifts := h.reuse > 0 && h.reuse != providers.Always && has(all, skews)
	lags := h.reuse > 0 && has(all, lags)
	return late && (once || h.asks) || (late || drifts) && lags
}

// beforeTick are the choices about a whole tick.
func beforeTick(n int) []choice {
	m := moment{tick: n}
	all := []choice{
		{moment: m, what: skews, by: 5 * time.Minute},
		{moment: m, what: skews, by: -5 * time.Minute},
		{moment: m, what: skews, by: 20 * time.Minute},
		{moment: m, what: forces},
		{moment: m, what: lags, by: 14 * time.Minute},
		{moment: m, what: lags, by: 2 * time.Hour},
	}
	for _, how := range refresh.Resolutions {
		all = append(all, choice{moment: m, what: resolves, how: how})
	}
	return all
}

// choicesAt are all the choices about one call.
func choicesAt(m moment) []choice {
	var all []choice
	for _, fault := range rt.Faults {
		if !heals(fault, m.site) {
			continue
		}
		if fault == rt.LandLater {
			all = append(all, landings(m)...)
			continue
		}
		all = append(all, choice{moment: m, fault: fault})
		if fails := fault == rt.FailBefore || fault == rt.FailAfter; fails && !m.site.ToProvider() && !m.site.Reads() {
			all = append(all, choice{moment: m, what: faultsOn, fault: fault})
		}
	}
	if m.site.Op != rt.Rows && !m.rival {
		all = append(all, choice{moment: m, what: stalls, by: stall})
	}
	if m.site.Op != rt.Rows {
		// A claim of a minute and a half has run out by then, and somebody taken over.
		all = append(all, choice{moment: m, what: freezes, until: m.tick + 3})
	}
	for _, what := range []what{seeds, loses, rollsBack, cancels} {
		all = append(all, choice{moment: m, what: what})
	}
	for _, old := range []backup{oldest, lastClaim} {
		all = append(all, choice{moment: m, what: restores, old: old})
	}
	if m.rival {
		return append(all, choice{moment: m, what: yields})
	}
	return append(all, choice{moment: m, what: rivals})
}

// landings are when an abandoned call is done: before the next tick, before or during the one that
// takes over, or after that.
func landings(m moment) []choice {
	var all []choice
	for later := 1; later <= 3; later++ {
		all = append(all, choice{moment: m, what: lands, fault: rt.LandLater, until: m.tick + later})
	}
	const step = 2 * time.Millisecond                                            // a call takes about as long
	for n := step / 4; n <= 7*step && m.site.Doc != store.AccessDoc; n += step { // never when a call is done
		all = append(all, choice{moment: m, what: lands, fault: rt.LandLater, until: m.tick + 2, by: n})
	}
	return all
}
