package e2e_test

import (
	"cmp"
	"slices"
	"sync"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

const racers = 8

// Eight processes are told to refresh the same credential at once. No other test
// runs meanwhile: it would have to queue behind them for the emulated AWS.
func TestEightProcessesRace(t *testing.T) { //nolint:paralleltest // see above
	w := sharedWorld(t, nil)
	for provider := range chained { //nolint:paralleltest // see above
		t.Run(string(provider), func(t *testing.T) {
			c, first := w.loggedIn(t, provider, "race")
			functions := []*function{first}
			for len(functions) < racers {
				functions = append(functions, c.start(t))
			}

			// The winner waits at the provider until all others have given up.
			gate := sandbox.NewGate()
			c.sandbox.Inject(provider, sandbox.Refresh, 1, sandbox.Hold(gate))
			ended := c.race(t, functions)
			var outcomes []string
			for range racers - 1 {
				outcomes = append(outcomes, <-ended)
			}
			gate.Release()
			outcomes = append(outcomes, <-ended)
			slices.Sort(outcomes)
			want := append(slices.Repeat([]string{"busy"}, racers-1), "refreshed")
			assert.Assert(t, slices.Equal(outcomes, want), "%v, want %v", outcomes, want)
			checkCalls(t, c, 1, 1)
			c.checkLive(t)

			// Without the gate a later one may refresh once more, with the new token.
			outcomes = nil
			for outcome := range c.race(t, functions) {
				outcomes = append(outcomes, outcome)
			}
			for _, outcome := range outcomes {
				assert.Check(t, slices.Contains([]string{"refreshed", "busy", "superseded"}, outcome), "%v", outcomes)
			}
			assert.Check(t, slices.Contains(outcomes, "refreshed"), "nobody won: %v", outcomes)
			c.checkLive(t)
			c.checkSound(t)
		})
	}
}

// Eight processes race while AWS fails for each of them at another call, and two of
// them are killed. How they end is left to chance; what they leave behind is not.
func TestEightProcessesRaceInTrouble(t *testing.T) { //nolint:paralleltest // see above
	w := sharedWorld(t, nil)
	for provider := range chained { //nolint:paralleltest // see above
		t.Run(string(provider), func(t *testing.T) {
			c, first := w.loggedIn(t, provider, "race-in-trouble")
			c.raceInTrouble(t, first, func() { c.heals(t, first) })
			c.goesOn(t, first)
		})
	}
	t.Run(string(sandbox.Berbix), func(t *testing.T) {
		c, first, rows := w.sweeper(t, "race-in-trouble", 2)
		c.raceInTrouble(t, first, func() {
			c.elapse(t, longestClaim)
			c.sweeps(t, first, rows)
		})
	})
}

// raceInTrouble lets eight processes race a few times, each time followed by healed.
func (c *credential) raceInTrouble(t *testing.T, first *function, healed func()) {
	t.Helper()
	first.wire.clear()
	first.run(t, c.force())
	calls := first.wire.clear()
	functions := []*function{first}
	for len(functions) < racers {
		functions = append(functions, c.start(t))
	}
	const races = 2
	for race := range races {
		for i, f := range functions {
			m := failures[i%len(failures)].mishap
			if i%4 == race%4 {
				m = deaths[race%len(deaths)].mishap(f)
			}
			f.wire.expect(calls[(i*races+race)%len(calls)], m)
		}
		for outcome := range c.race(t, functions) {
			t.Log(outcome)
		}
		late := 0
		for _, f := range functions {
			f.wire.clear()
		}
		healed()
		for _, f := range functions {
			late += f.wire.deliver()
		}
		if late > 0 {
			healed()
		}
	}
}

// race runs a forced refresh in all functions at once and sends how each ended.
func (c *credential) race(t *testing.T, functions []*function) <-chan string {
	t.Helper()
	ended := make(chan string, len(functions))
	start := make(chan struct{})
	var running sync.WaitGroup
	for _, f := range functions {
		running.Go(func() {
			<-start
			r, err := f.attempt(t.Context(), c.force())
			outcome, onlyErr := f.only(r)
			if err := cmp.Or(err, onlyErr); err != nil {
				outcome = err.Error()
			}
			ended <- outcome
		})
	}
	close(start)
	go func() {
		running.Wait()
		close(ended)
	}()
	return ended
}
