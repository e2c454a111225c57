package refresh_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

const (
	period = time.Minute // between two ticks
	faulty = 3           // choices are about so many first ticks
	enough = 3           // ticks that work make a credential healthy
	most   = 40          // ticks without faults: claims and back-offs run out in them
)

// history is the course of some choices.
type history struct {
	scenario
	latency order
	choices []choice
	world   *rt.World

	restored atomic.Pointer[store.Row] // the backup that came back
	deeds    sync.Mutex                // is held while one is done

	mu     sync.Mutex
	events []event
	ends   map[moment]chan struct{} // closed when the run that begins there has ended
	runs   sync.WaitGroup

	states   map[int]state // at the beginning of ticks that no choice reaches into
	outcomes map[moment]outcome.Outcome
	worked   int // ticks since then that did something
	broken   string
	known    bool // from here on it goes like another history
}

// event is a line of the history's story.
type event struct {
	at time.Time
	moment
	text string // empty: the call is made
}

// from is the first tick that no choice reaches into, nor the scenario.
func (h *history) from() int {
	n, ahead := h.quiet, 0
	for _, c := range h.choices {
		n, ahead = max(n, c.over()), max(ahead, c.ahead())
	}
	return n + ahead
}

// play runs the history of choices: least ticks, and then until the credential is healthy again or
// should be. A state that is in seen ends it.
func play(s scenario, latency order, least int, seen map[state]bool, choices ...choice) *history {
	w := rt.New()
	w.Flows, w.Latency = true, latency
	s.setup(w)
	h := &history{
		scenario: s, latency: latency, choices: choices, world: w, ends: map[moment]chan struct{}{},
		states: map[int]state{}, outcomes: map[moment]outcome.Outcome{},
	}
	from := h.from()
	for n := 0; n < max(from, least) || h.broken == "" && h.waits(n-from); n++ {
		if n >= from {
			h.states[n] = h.state(n)
			if h.known = seen[h.states[n]]; h.known {
				break
			}
		}
		free := !h.world.Now().Before(row(w).NotBefore)
		h.tick(n)
		if n >= from && h.broken == "" {
			h.promises(n, free)
		}
	}
	h.runs.Wait()
	if !h.known {
		h.settled()
	}
	// A state does not include what was lost, so it cannot show how the history goes on.
	if h.broken == "" && !slices.ContainsFunc(h.choices, choice.losesReplies) {
		h.broken = unstoredReply(h.world)
	}
	return h
}

// waits reports whether the credential may take more ticks without faults than n.
func (h *history) waits(n int) bool {
	return n == 0 || !h.healthy() && h.worked < enough && n < most
}

// tick starts one scheduled run, and lets a period pass.
func (h *history) tick(n int) {
	m := moment{tick: n}
	var skew, late time.Duration
	var landing []time.Duration
	for _, c := range h.choices {
		switch {
		case c.what == skews && c.tick == n:
			skew = c.by
		case c.what == lags && c.tick == n:
			late = c.by
		case c.what == lands && c.until == n:
			landing = append(landing, c.by)
		}
	}
	time.Sleep(late)
	if h.meanwhile != nil {
		h.meanwhile(h.world, n)
	}
	next := time.Now().Add(period)
	land := func() {
		h.tell(m, "what had not landed lands")
		h.world.Land()
	}
	if slices.Contains(landing, 0) {
		land()
	}
	h.begin(m, skew)
	slices.Sort(landing)
	for _, by := range landing {
		if by > 0 {
			time.Sleep(time.Until(next.Add(by - period)))
			land()
		}
	}
	time.Sleep(time.Until(next))
}

// begin starts a run and returns a channel that is closed when it yields.
func (h *history) begin(m moment, skew time.Duration) (ended, yielded <-chan struct{}) {
	end, yield := make(chan struct{}), make(chan struct{})
	h.mu.Lock()
	h.ends[m] = end
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{history: h, moment: m, yield: yield, cancel: cancel}
	engine := h.world.SkewedEngine(r.hook, skew)
	h.runs.Go(func() {
		defer close(end)
		defer cancel()
		result := h.run(ctx, engine, m)
		h.mu.Lock()
		h.outcomes[m] = result.Outcome
		h.mu.Unlock()
		h.tell(m, fmt.Sprintf("%s (%v)", result.Outcome, result.Err))
	})
	return end, yield
}

// run is the work of the run that begins at m: a tick's, or what a person asks for.
func (h *history) run(ctx context.Context, engine *refresh.Engine, m moment) refresh.Result {
	req := refresh.Request{RunID: fmt.Sprintf("run-%d-%t", m.tick, m.rival)}
	for _, c := range h.choices {
		switch {
		case c.moment != m:
		case c.what == forces:
			req.Force = true
		case c.what == resolves:
			req.Account = rt.Default.Account
			if c.how != refresh.Discard {
				h.world.Decide()
			}
			if c.how == refresh.Retry {
				h.world.Provider.Retry()
			}
			result, err := engine.Resolve(ctx, req, c.how)
			if err != nil {
				result = refresh.Result{Outcome: outcome.NotDue, Err: err}
			}
			return result
		}
	}
	return engine.Run(ctx, req)[0]
}

func (h *history) tell(m moment, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event{h.world.Now(), m, text})
}

// running is a run under the history's choices.
type running struct {
	*history
	moment
	yield  chan struct{}
	cancel context.CancelFunc

	gate    sync.Mutex
	until   time.Time
	waitFor <-chan struct{}
}

// hook is asked before each call of the run.
func (r *running) hook(call rt.Call) rt.Fault {
	m := r.moment
	m.site, m.nth = call.Site, call.Nth
	r.tell(m, "")
	if m.rival {
		time.Sleep(300 * time.Microsecond) // it never does anything in the same moment as the other
	}
	r.wait() // the whole process stands still, also the calls beside the one that was chosen
	fault := rt.None
	for _, c := range r.choices {
		if c.what == faultsOn && c.tick == m.tick && c.rival == m.rival && c.site == m.site && m.nth >= c.nth {
			fault = c.fault
		}
		if c.moment == m {
			fault = max(fault, r.do(c, call))
		}
	}
	return fault
}

// wait stops a frozen or yielding process.
func (r *running) wait() {
	r.gate.Lock()
	until, waitFor := r.until, r.waitFor
	r.gate.Unlock()
	time.Sleep(time.Until(until))
	if waitFor != nil {
		<-waitFor
	}
}

// standStill stops the process for so long; once is enough.
func (r *running) standStill(d time.Duration) {
	r.gate.Lock()
	if r.until.IsZero() {
		r.until = time.Now().Add(d)
	}
	r.gate.Unlock()
	r.wait()
}

// do carries out one choice.
func (r *running) do(c choice, call rt.Call) rt.Fault {
	r.tell(c.moment, c.String())
	switch c.what {
	case faults, lands:
		return c.fault
	case stalls:
		r.standStill(c.by)
	case freezes:
		r.standStill(time.Duration(c.until-c.tick)*period + period/2)
		call.Slept()
	case seeds, loses, restores, rollsBack:
		r.deed(c)
	case cancels:
		r.cancel()
	case rivals:
		ended, yielded := r.begin(moment{tick: c.tick, rival: true}, 0)
		select {
		case <-ended:
		case <-yielded:
		}
	case yields:
		r.gate.Lock()
		r.mu.Lock()
		r.waitFor = r.ends[moment{tick: c.tick}]
		r.mu.Unlock()
		r.gate.Unlock()
		close(r.yield)
		r.wait()
	case faultsOn, skews, lags, forces, resolves:
	}
	return rt.None
}

// calls are the calls of the history, in order; calls of the same moment by name.
func (h *history) calls() []moment {
	var made []event
	for _, e := range h.events {
		if e.text == "" {
			made = append(made, e)
		}
	}
	slices.SortStableFunc(made, func(a, b event) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.tick, b.tick), cmp.Compare(a.site.String(), b.site.String()))
	})
	all := make([]moment, 0, len(made))
	for _, e := range made {
		all = append(all, e.moment)
	}
	return all
}
