package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/sandbox"
)

const (
	rounds = 25 // measured, of refreshes
	// latency is what each call takes in the warm refreshes.
	latency = 20 * time.Millisecond
	mib     = 1 << 20
)

// refreshes is what the rounds of one program have shown. Times are milliseconds.
type refreshes struct {
	init            series // from the process's start to its first request for work
	cpu             series // processor time of the first refresh
	first, billed   series // at a function's share of a processor: the first refresh; init and that
	warm, overTrips series // a refresh; that by its sequential round trips
	trips           int
	connections     [3]int // in all, as fakeaws.World counts them
	peakMiB         float64
}

// measureRefreshes runs three programs in turn, and writes what was found.
func measureRefreshes(ctx context.Context, dir string, out io.Writer) error {
	var own, bare, usual program
	for pkg, p := range map[string]*program{
		"functions/refresh-hesabe": &own, "internal/bench/programs/bare": &bare, "internal/bench/programs/naive": &usual,
	} {
		var err error
		if p.binary, err = build(ctx, dir, pkg); err != nil {
			return err
		}
		if p == &bare {
			continue
		}
		p.answer = `"refreshed":1`
		if p.world, err = newWorld(dir, "RefreshHesabe", sandbox.Hesabe); err != nil {
			return err
		}
		defer p.world.Close()
		p.world.Seed()
		p.env = p.world.Env
	}
	for _, setting := range []string{"GOGC", "GOMEMLIMIT", "GOMAXPROCS", "SSL_CERT_DIR"} { // the template's, of the Go runtime
		delete(usual.env, setting)
	}
	programs, found := []*program{&own, &bare, &usual}, make([]refreshes, 3)
	progress("measuring cold starts")
	if err := measureCold(ctx, programs, found, out); err != nil {
		return err
	}
	progress("measuring warm refreshes")
	for i, p := range programs {
		if p.world == nil {
			continue
		}
		if err := p.measureWarm(ctx, &found[i]); err != nil {
			return err
		}
	}
	if err := writeRefreshes(out, found[0], found[1], found[2]); err != nil {
		return err
	}
	for _, name := range []string{"hesabe", "tconnect", "berbix"} {
		binary, err := build(ctx, dir, "functions/refresh-"+name, "GOOS=linux", "GOARCH=amd64")
		if err != nil {
			return err
		}
		size, err := zipped(binary)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "zip of %s for amd64: %.1f MB\n", name, float64(size)/1e6)
	}
	return nil
}

// measureCold starts each program in turn and lets it refresh once, with all of the processor
// and with a function's share. The first rounds fill the caches of the machine and don't count.
func measureCold(ctx context.Context, programs []*program, found []refreshes, out io.Writer) error {
	const unmeasured = 2
	shared := true
	for round := range unmeasured + rounds {
		if round == unmeasured {
			clear(found)
		}
		for i, p := range programs {
			if err := p.cold(ctx, &found[i], false); err != nil {
				return err
			}
			if !shared {
				continue
			}
			if err := p.cold(ctx, &found[i], true); errors.Is(err, errNoShare) {
				fmt.Fprintln(out, err)
				shared = false
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *program) cold(ctx context.Context, r *refreshes, shared bool) error {
	f, err := p.start(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	if shared {
		release, err := limit(f, memoryMB)
		if err != nil {
			return err
		}
		defer release()
		defer f.Close() // before the group goes
	}
	before := f.Process()
	answer, err := p.invoke(ctx, f, `{"force":true}`)
	if err != nil {
		return err
	}
	init := milliseconds(before.Init)
	if shared {
		first := milliseconds(answer.Duration)
		r.first, r.billed = append(r.first, first), append(r.billed, init+first)
		return nil
	}
	r.init, r.cpu = append(r.init, init), append(r.cpu, milliseconds(f.Process().CPU-before.CPU))
	return nil
}

// measureWarm lets one process refresh, every call taking the latency longer.
func (p *program) measureWarm(ctx context.Context, r *refreshes) error {
	before := p.world.Connections()
	f, err := p.start(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	for round := range rounds + 1 {
		p.world.TakeCalls()
		answer, err := p.invoke(ctx, f, `{"force":true}`)
		if err != nil {
			return err
		}
		for _, s := range p.world.Servers() {
			s.SetLatency(latency)
		}
		if round == 0 {
			continue // cold
		}
		trips := roundTrips(p.world.TakeCalls())
		sum := 0.0
		for _, took := range trips {
			sum += milliseconds(took)
		}
		warm := milliseconds(answer.Duration)
		r.trips, r.warm, r.overTrips = len(trips), append(r.warm, warm), append(r.overTrips, warm/sum)
	}
	for i, n := range p.world.Connections() {
		r.connections[i] = n - before[i]
	}
	r.peakMiB = float64(f.Process().PeakRSS) / mib
	return nil
}

func writeRefreshes(out io.Writer, own, bare, usual refreshes) error {
	fmt.Fprintf(out, "\nMedians (quartiles) of %d rounds, the programs in turn.\n\n", rounds)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "\tthis function\tbare\tthe usual program")
	fmt.Fprintf(table, "start to ready, ms\t%v\t%v\t%v\n", own.init, bare.init, usual.init)
	fmt.Fprintf(table, "the first refresh, ms of processor time\t%v\t\t%v\n", own.cpu, usual.cpu)
	fmt.Fprintf(table, "the first refresh at 128 MB, ms\t%v\t\t%v\n", own.first, usual.first)
	fmt.Fprintf(table, "warm refresh with %v a call, ms\t%v\t\t%v\n", latency, own.warm, usual.warm)
	fmt.Fprintf(table, "peak memory, MiB\t%.1f\t\t%.1f\n", own.peakMiB, usual.peakMiB)
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nthe first refresh at 128 MB: %v × the usual program, %v with the start included\n"+
		"a warm refresh: %v × its %d sequential round trips\n"+
		"connections for %d refreshes: Secrets Manager %d, DynamoDB %d, provider %d\n",
		own.first.over(usual.first), own.billed.over(usual.billed), own.overTrips, own.trips,
		rounds+1, own.connections[0], own.connections[1], own.connections[2])
	return err
}

// roundTrips groups calls, which are in order of their start, by those that were under way together,
// and returns how long the longest of each group took. A group lasts until the first of its calls
// has ended.
func roundTrips(calls []fakeaws.Call) (trips []time.Duration) {
	var end time.Time
	for _, c := range calls {
		if len(trips) == 0 || !c.Start.Before(end) {
			trips, end = append(trips, 0), c.End
		}
		last := &trips[len(trips)-1]
		*last = max(*last, c.End.Sub(c.Start))
		if c.End.Before(end) {
			end = c.End
		}
	}
	return trips
}
