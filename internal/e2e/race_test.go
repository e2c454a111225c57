package e2e_test

import (
	"cmp"
	"slices"
	"sync"
	"testing"

	"tokenrefresh/internal/sandbox"
)

const racers = 8

// Eight processes are told to refresh the same credential at once. No other test
// runs meanwhile: it would have to queue behind them for the emulated AWS.
func TestEightProcessesRace(t *testing.T) { //nolint:paralleltest // see above
	w := newWorld(t, nil)
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
			if !slices.Equal(outcomes, want) {
				t.Fatalf("%v, want %v", outcomes, want)
			}
			checkCalls(t, c, 1, 1)
			c.checkLive(t)

			// Without the gate a later one may refresh once more, with the new token.
			outcomes = nil
			for outcome := range c.race(t, functions) {
				outcomes = append(outcomes, outcome)
			}
			for _, outcome := range outcomes {
				if !slices.Contains([]string{"refreshed", "busy", "superseded"}, outcome) {
					t.Errorf("%v", outcomes)
				}
			}
			if !slices.Contains(outcomes, "refreshed") {
				t.Errorf("nobody won: %v", outcomes)
			}
			c.checkLive(t)
			c.checkSound(t)
		})
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
			r, err := f.try(t.Context(), c.force())
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
