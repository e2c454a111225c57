package refresh_test

import (
	"fmt"
	"slices"
	"time"

	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
)

// choice is one fault of a history.
type choice struct {
	tick  int
	site  rt.Site
	nth   int
	fault rt.Fault
	lasts bool // all later calls from the site fail too, until the tick ends
	land  int  // the tick before which a call that lands later lands
	// answer is the provider's, without having acted, where answered.
	answer   providers.Kind
	answered bool
}

func (c choice) String() string {
	s := fmt.Sprintf("tick %d %s#%d %s", c.tick, c.site, c.nth, c.fault)
	switch {
	case c.answered:
		s = fmt.Sprintf("tick %d %s#%d answered %s", c.tick, c.site, c.nth, c.answer)
	case c.lasts:
		s += ", and so on"
	case c.fault == rt.LandLater:
		s += fmt.Sprintf(" (before tick %d)", c.land)
	}
	return s
}

// order is how long calls take, so that parallel ones end in a known order.
type order func(rt.Call) time.Duration

// next are the faults that may follow the history's last one.
func (h *history) next() []choice {
	from := 0
	if n := len(h.choices); n > 0 {
		last := h.choices[n-1]
		from = 1 + slices.IndexFunc(h.calls, func(c choice) bool {
			return c.tick == last.tick && c.site == last.site && c.nth == last.nth
		})
	}
	var all []choice
	for _, call := range h.calls[from:] {
		if call.tick >= faulty {
			break
		}
		for _, fault := range rt.Faults {
			if fault.On(call.site) {
				all = append(all, variants(call, fault)...)
			}
		}
		for _, kind := range answers[call.site.Op] {
			call.answer, call.answered = kind, true
			all = append(all, call)
		}
	}
	return all
}

// answers of a provider that heal without a person; a refused login does not.
var answers = map[rt.Op][]providers.Kind{
	rt.Refresh: {providers.Unknown, providers.Refused, providers.RateLimited},
	rt.Login:   {providers.Unknown, providers.RateLimited},
}

func variants(call choice, fault rt.Fault) []choice {
	call.fault = fault
	all := []choice{call}
	switch fault {
	case rt.LandLater:
		all = nil
		for later := range 3 {
			call.land = call.tick + 1 + later
			all = append(all, call)
		}
	case rt.FailBefore, rt.FailAfter:
		if !call.site.ToProvider() && !call.site.Reads() {
			call.lasts = true
			all = append(all, call)
		}
	case rt.None, rt.DieBefore, rt.DieAfter, rt.Stale:
	}
	return all
}

// orders let the calls of a parallel group end in different orders.
func orders() []order {
	var all []order
	for _, ms := range [][3]int{{1, 2, 3}, {3, 2, 1}} {
		all = append(all, func(c rt.Call) time.Duration {
			switch c.Doc {
			case refresh.TokensDoc:
				return time.Duration(ms[0]) * time.Millisecond
			case refresh.AccessDoc:
				return time.Duration(ms[1]) * time.Millisecond
			default:
				return time.Duration(ms[2]) * time.Millisecond
			}
		})
	}
	return all
}
