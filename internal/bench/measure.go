package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"tokenrefresh/internal/bench/endpoint"
	"tokenrefresh/internal/runtimeapi"
)

// program is one of the binaries that are compared.
type program struct {
	name   string
	binary string
	env    map[string]string
	world  *world // nil: it calls nobody
	event  string // makes it refresh
	answer string // part of the answer to that
}

func (p *program) start(ctx context.Context) (*runtimeapi.Function, error) {
	f, err := runtimeapi.Start(ctx, runtimeapi.Options{Binary: p.binary, Env: p.env, Timeout: 30 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return f, nil
}

// invoke fails unless the program answers as it should: a quick failure must not
// pass for speed.
func (p *program) invoke(ctx context.Context, f *runtimeapi.Function, event, answer string) (runtimeapi.Response, error) {
	r, err := f.Invoke(ctx, []byte(event))
	switch {
	case err != nil:
		return r, fmt.Errorf("%s: %w", p.name, err)
	case r.FunctionError != nil:
		return r, fmt.Errorf("%s: %w\n%s", p.name, r.FunctionError, f.Logs())
	case !bytes.Contains(r.Payload, []byte(answer)):
		return r, fmt.Errorf("%s: answered %s, want %s in it\n%s", p.name, r.Payload, answer, f.Logs())
	}
	return r, nil
}

func (p *program) refresh(ctx context.Context, f *runtimeapi.Function) (runtimeapi.Response, error) {
	return p.invoke(ctx, f, p.event, p.answer)
}

// coldSeries holds one sample a round, in milliseconds.
type coldSeries struct{ init, total, cpu []float64 }

// coldStart is one sample: the time to the first request for work, the time to the
// first answer, and the processor time that went into both.
type coldStart struct{ init, total, cpu time.Duration }

// measureCold starts each program in turn and lets it refresh once. The first rounds
// fill the caches of the machine and don't count.
func measureCold(ctx context.Context, programs []*program, rounds int) (map[*program]*coldSeries, error) {
	const unmeasured = 2
	series := map[*program]*coldSeries{}
	for _, p := range programs {
		series[p] = &coldSeries{}
	}
	for round := range unmeasured + rounds {
		for _, p := range programs {
			sample, err := p.cold(ctx)
			if err != nil {
				return nil, err
			}
			if s := series[p]; round >= unmeasured {
				s.init = append(s.init, milliseconds(sample.init))
				s.total = append(s.total, milliseconds(sample.total))
				s.cpu = append(s.cpu, milliseconds(sample.cpu))
			}
		}
	}
	return series, nil
}

func (p *program) cold(ctx context.Context) (coldStart, error) {
	f, err := p.start(ctx)
	if err != nil {
		return coldStart{}, err
	}
	defer f.Close()
	if _, err := p.refresh(ctx, f); err != nil {
		return coldStart{}, err
	}
	answered := time.Now()
	f.Close()
	process := f.Process()
	return coldStart{init: process.Init, total: answered.Sub(process.Started), cpu: process.CPU}, nil
}

// warmSeries is what a program did in its warm refreshes and in the tick after them.
type warmSeries struct {
	took        []float64 // milliseconds, one a round
	calls       [][]wave
	cold, warm  connections // opened up to the first answer; and after it
	peakRSS     int64
	tick        []endpoint.Call
	tickSkipped bool
}

// measureWarm keeps one process of each program and lets them refresh in turn,
// every call of theirs taking latency longer. The last event finds nothing due.
func measureWarm(ctx context.Context, programs []*program, rounds int, latency time.Duration) (map[*program]*warmSeries, error) {
	series := map[*program]*warmSeries{}
	functions := map[*program]*runtimeapi.Function{}
	for _, p := range programs {
		before := p.world.connections()
		f, err := p.start(ctx)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if _, err := p.refresh(ctx, f); err != nil {
			return nil, err
		}
		functions[p] = f
		series[p] = &warmSeries{cold: p.world.connections().minus(before)}
	}
	for range rounds {
		for _, p := range programs {
			if err := p.warm(ctx, functions[p], latency, series[p]); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range programs {
		s := series[p]
		if p.event == "" { // refreshes whatever the event says
			s.tickSkipped = true
		} else if _, err := p.invoke(ctx, functions[p], `{}`, `"not_due":1`); err != nil {
			return nil, err
		}
		s.tick = p.world.takeCalls()
		s.peakRSS = functions[p].Process().PeakRSS
	}
	return series, nil
}

func (p *program) warm(ctx context.Context, f *runtimeapi.Function, latency time.Duration, s *warmSeries) error {
	p.world.setLatency(latency)
	defer p.world.setLatency(0)
	p.world.takeCalls()
	before := p.world.connections()
	r, err := p.refresh(ctx, f)
	if err != nil {
		return err
	}
	s.took = append(s.took, milliseconds(r.Duration))
	s.calls = append(s.calls, waves(p.world.takeCalls()))
	s.warm = s.warm.plus(p.world.connections().minus(before))
	return nil
}

// overRoundTrips divides each refresh's time by the time that the servers took for its
// sequential round trips, one after the other.
func (s *warmSeries) overRoundTrips() []float64 {
	floors := make([]float64, len(s.took))
	for i, groups := range s.calls {
		for _, w := range groups {
			floors[i] += milliseconds(w.took())
		}
	}
	return ratios(s.took, floors)
}
