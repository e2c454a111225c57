package e2e_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

var (
	soakFor  = flag.Duration("soak", 0, "how long TestSoak goes on; 0: one short round")
	soakSeed = flag.Uint64("soak-seed", 0, "the seed of TestSoak's first round; 0: another each time")
)

const (
	shortRounds = 1 // where no duration is given, of
	shortSteps  = 2 // invocations a process
	longSteps   = 8
)

// TestSoak lives through random histories: several credentials with several processes
// each, killed at any moment, AWS and the providers failing in all ways, people who
// edit, pause and put spent tokens back. When that is over, each credential is healthy
// within three ticks, and nothing was presented twice or told.
//
// A round's seed decides what is tried. How the processes interleave it doesn't
// decide: a seed that failed may have to be run some times to fail again.
func TestSoak(t *testing.T) { //nolint:paralleltest // the other tests would starve
	w := sharedWorld(t, nil)
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	steps := longSteps
	if *soakFor == 0 {
		steps = shortSteps
	}
	var sum tally
	began := time.Now()
	for n := 0; n < shortRounds && *soakFor == 0 || time.Since(began) < *soakFor; n++ {
		ok := t.Run(fmt.Sprintf("%d seed %d", n+1, seed+uint64(n)), func(t *testing.T) {
			r := w.round(t, n, seed+uint64(n), steps)
			r.live(t)
			r.end(t)
			sum.add(r.tally)
			t.Log(r.tally)
		})
		if !ok {
			t.Fatalf("go test ./internal/e2e -run TestSoak -soak %s -soak-seed %d", min(*soakFor, time.Second), seed+uint64(n))
		}
	}
	t.Logf("%s: %s", time.Since(began).Round(time.Second), sum)
}

// round is one history.
type round struct {
	players []*player
	steps   int
	visits  chan visit

	mu    sync.Mutex
	tally tally
}

// player is a credential with its processes.
type player struct {
	*credential
	random    *rand.Rand // of what people do to it
	functions []*function
	rows      []sandbox.Transaction // of Berbix
	limits    int                   // replies that allow presenting a refresh token again
	history   []string              // of all its processes; guarded by the round's mu
}

// visit is a process about to take a step. People do what they do then, and the
// process goes on.
type visit struct {
	*player
	done chan struct{}
}

// round prepares the nth history.
func (w *world) round(t *testing.T, n int, seed uint64, steps int) *round {
	t.Helper()
	r := &round{steps: steps, visits: make(chan visit)}
	for i, cast := range []struct {
		provider  sandbox.Provider
		processes int
	}{
		{sandbox.Hesabe, 3}, {sandbox.Hesabe, 2}, {sandbox.TConnect, 2}, {sandbox.TConnect, 1}, {sandbox.Berbix, 2},
	} {
		account := fmt.Sprintf("soak-%d-%d", n, i)
		p := &player{random: chance(seed, i)}
		var first *function
		if cast.provider == sandbox.Berbix {
			p.credential, first, p.rows = w.sweeper(t, account, 2)
		} else {
			p.credential, first = w.loggedIn(t, cast.provider, account)
		}
		p.functions = []*function{first}
		for len(p.functions) < cast.processes {
			p.functions = append(p.functions, p.start(t))
		}
		r.players = append(r.players, p)
	}
	return r
}

// chance is the nth source of choices from a seed.
func chance(seed uint64, n int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(n)))
}

// live lets all processes take their steps.
func (r *round) live(t *testing.T) {
	t.Helper()
	var running sync.WaitGroup
	for _, p := range r.players {
		for n, f := range p.functions {
			random := chance(p.random.Uint64(), n)
			running.Go(func() {
				for range r.steps {
					v := visit{player: p, done: make(chan struct{})}
					r.visits <- v
					<-v.done
					r.step(t, p, f, random)
				}
			})
		}
	}
	go func() {
		running.Wait()
		close(r.visits)
	}()
	for v := range r.visits { // here and not there: they may end the test
		r.people(t, v.player)
		close(v.done)
	}
}

// step is one invocation of one process and what goes wrong with it. It may end in
// any way.
func (r *round) step(t *testing.T, p *player, f *function, random *rand.Rand) {
	t.Helper()
	event := []string{f.tick, f.tick, f.tick, p.force(), p.force(), p.force(), p.force(), p.dryRun()}[random.IntN(8)]
	mishaps := &mishaps{random: chance(random.Uint64(), 0)} // its own: a dead process may still be heard of later
	f.wire.expectAll(mishaps.choose(f))
	r.providerTrouble(p, random)
	killed := ""
	if random.IntN(3) == 0 {
		after := time.Duration(random.IntN(600)) * time.Millisecond
		killed = fmt.Sprintf(", kill after %s", after)
		defer time.AfterFunc(after, f.Kill).Stop()
		r.count(tally{kills: 1})
	}
	answer, err := f.attempt(t.Context(), event)
	how := fmt.Sprint(answer.Outcomes)
	if err != nil {
		how = err.Error()
	}
	f.wire.expectAll(nil)
	befallen := mishaps.befallen()
	r.count(tally{invocations: 1, kills: mishaps.deaths, awsFaults: len(befallen) - mishaps.deaths})
	r.mu.Lock()
	defer r.mu.Unlock()
	p.history = append(p.history, fmt.Sprintf("%s%s, %v: %s", event, killed, befallen, how))
}

// end is the end of all trouble: after it three ticks must do.
func (r *round) end(t *testing.T) {
	t.Helper()
	for _, p := range r.players {
		for _, f := range p.functions {
			f.wire.clear()
			r.count(tally{late: f.wire.deliver()})
		}
		p.sandbox.Clear(p.provider)
		p.seed(t, nil) // a password may have been wrong
		p.pause(t, false)
		p.elapse(t, longestWait)
		f := p.functions[p.random.IntN(len(p.functions))]
		if p.provider == sandbox.Berbix {
			p.recovers(t, f)
		} else {
			p.checkHeals(t, f)
		}
		logins, refreshes := p.calls()
		r.count(tally{logins: logins, refreshes: refreshes})
		assert.Assert(t, !t.Failed(), "%s %s:\n%s\n%s", p.provider, p.account, strings.Join(p.history, "\n"), f.Logs())
	}
}

// longestWait is more than any back-off.
const longestWait = time.Hour + time.Minute

// checkHeals checks that three ticks make a chain healthy, and that it goes on.
func (p *player) checkHeals(t *testing.T, f *function) {
	t.Helper()
	seen := p.ticks(t, f)
	// What a person has put into tokens meanwhile may not be due yet.
	assert.Check(t, p.sandbox.Valid(p.provider, p.current(t, "access").fields["access_token"]),
		"%q, and the provider would not accept the published access token", seen)
	if got := f.outcome(t, p.force()); got != "refreshed" && got != "logged_in" {
		t.Errorf("%q, and a refresh after it: %s", seen, got)
	}
	p.checkLive(t)
	p.heard.check(t, p.sandbox.Secrets())
	stats := p.sandbox.Stats(p.provider)
	if stats.Replays != 0 || stats.Repeated > p.limits || stats.MaxSameInFlight > 1 {
		t.Errorf("a refresh token was seen twice: %d replays, %d repeated after %d rate limits, %d at once",
			stats.Replays, stats.Repeated, p.limits, stats.MaxSameInFlight)
	}
}

// recovers checks that three sweeps make all rows good.
func (p *player) recovers(t *testing.T, f *function) {
	t.Helper()
	var seen []any
	for range 3 {
		r, err := f.try(t.Context(), p.force())
		seen = append(seen, r.Outcomes, err)
		if err == nil && r.Outcomes["refreshed"] == len(p.rows) {
			break
		}
		p.elapse(t, time.Minute)
	}
	if bad := slices.IndexFunc(p.rows, func(x sandbox.Transaction) bool {
		return !p.sandbox.Valid(p.provider, p.transaction(t, x.ID)["access_token"])
	}); bad >= 0 {
		t.Errorf("a row without a good access token after %v", seen)
	}
	p.checkSound(t)
}

// tally counts what was lived through.
type tally struct{ invocations, logins, refreshes, kills, awsFaults, providerFaults, edits, late int }

func (t *tally) add(more tally) {
	t.invocations += more.invocations
	t.logins += more.logins
	t.refreshes += more.refreshes
	t.kills += more.kills
	t.awsFaults += more.awsFaults
	t.providerFaults += more.providerFaults
	t.edits += more.edits
	t.late += more.late
}

func (t tally) String() string {
	return fmt.Sprintf("%d invocations, %d refreshes, %d logins, %d kills, %d AWS faults, %d provider faults, %d edits, %d late calls",
		t.invocations, t.refreshes, t.logins, t.kills, t.awsFaults, t.providerFaults, t.edits, t.late)
}

func (r *round) count(more tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(more)
}
