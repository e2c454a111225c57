package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"tokenrefresh/internal/bench/transactions"
)

// sweepPlan is what to measure.
type sweepPlan struct {
	rounds, rows  int
	tries         int           // of a round, while others use the machine
	provider, aws time.Duration // how long a call takes
}

// few is how many rows are due in the sweeps that are not about throughput, in tables of
// these sizes.
const (
	few        = 50
	smallTable = 10_000
	largeTable = 1_000_000
)

// crews are the numbers of workers that are compared. The template's is the one whose
// memory counts.
var crews = []int{8, usualCrew, 128}

const usualCrew = 32

// sweeps are all that was found.
type sweeps struct {
	plan   sweepPlan
	series map[int][]sweep // by workers, one a round
	// idle has nothing due, small and large have few due rows in tables of their sizes.
	idle, small, large sweep
	crowd              sweep // has ten times the rows due
}

func measureSweeps(ctx context.Context, dir string, plan sweepPlan) (*sweeps, error) {
	if plan.rounds < 1 || plan.tries < 1 || plan.rows < few || plan.provider <= 0 || plan.aws <= 0 {
		return nil, fmt.Errorf("-sweeps and -tries must be positive, like the latencies, and -rows at least %d", few)
	}
	// The services allocate little, and what they collect is missing to the function.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	progress("building " + sweeper)
	st, err := newStage(ctx, dir, plan.provider, plan.aws)
	if err != nil {
		return nil, err
	}
	out := &sweeps{plan: plan, series: map[int][]sweep{}}
	for _, one := range []struct {
		into       *sweep
		total, due int
	}{
		{&out.idle, smallTable, 0},
		{&out.small, smallTable, few},
		{&out.large, largeTable, few},
		{&out.crowd, 10 * plan.rows, 10 * plan.rows},
	} {
		progress(fmt.Sprintf("sweeping %d rows with %d due", one.total, one.due))
		if *one.into, err = st.run(ctx, one.total, one.due, usualCrew); err != nil {
			return nil, err
		}
	}
	for round := range plan.rounds {
		for _, workers := range crews {
			progress(fmt.Sprintf("sweeping with %d workers, round %d of %d", workers, round+1, plan.rounds))
			one, err := st.quietest(ctx, plan, workers)
			if err != nil {
				return nil, err
			}
			out.series[workers] = append(out.series[workers], one)
		}
	}
	return out, nil
}

// tolerated is the share of the machine that others may take of a round.
const tolerated = 0.05

// quietest repeats a round until others have left the machine alone, as often as the plan
// allows, and returns the one that they disturbed least, whatever its rate.
func (st *stage) quietest(ctx context.Context, plan sweepPlan, workers int) (sweep, error) {
	var best sweep
	for try := range plan.tries {
		one, err := st.run(ctx, plan.rows, plan.rows, workers)
		if err != nil {
			return sweep{}, err
		}
		if one.calls[transactions.UpdateItem] != one.written {
			return sweep{}, errors.New("rows were written more than once")
		}
		if try == 0 || one.foreign < best.foreign {
			best = one
		}
		if best.foreign <= tolerated {
			break
		}
	}
	return best, nil
}

// efficiency is what became of the ideal rate, round by round: of workers that wait as
// long as calls are said to take, and as long as they took.
func (s *sweeps) efficiency(workers int) (nominal, measured []float64) {
	for _, one := range s.series[workers] {
		nominal = append(nominal, one.rate()/ideal(workers, s.plan.provider, s.plan.aws))
		measured = append(measured, one.rate()/ideal(workers, one.provider, one.update))
	}
	return nominal, measured
}

// each takes one figure of every round.
func (s *sweeps) each(workers int, figure func(sweep) float64) []float64 {
	var out []float64
	for _, one := range s.series[workers] {
		out = append(out, figure(one))
	}
	return out
}
