package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/sandbox"
)

// deployed are the functions that are shipped. The first is the one measured.
var deployed = []string{"refresh-hesabe", "refresh-tconnect", "refresh-berbix"}

// refreshes is what the rounds of one program have shown. Times are milliseconds.
type refreshes struct {
	init, total, cpu series // to the first request for work; to the first answer; processor time of both
	first, billed    series // at a function's share of a processor: the first refresh; init and that
	firstCPU         series // processor time of the first refresh, with all of the processor
	warm, overTrips  series // a refresh; that by its sequential round trips
	waves            []wave // of the last warm refresh
	opened           [3]int // connections in all, as world.connections counts them
	peakMiB          float64
	tick             []wave // with nothing due
}

// measureRefreshes runs the three programs in turn, and writes what was found.
func measureRefreshes(ctx context.Context, p plan, out io.Writer) error {
	progress("building")
	zips := make([]target, len(deployed))
	for i, name := range deployed {
		binary, err := build(ctx, p.temporaryFiles, "functions/"+name, "amd64")
		if err != nil {
			return err
		}
		size, err := zipped(binary)
		if err != nil {
			return err
		}
		zips[i] = target{name: "zip of " + name + " for amd64, MB", measured: float64(size) / 1e6, limit: 3.9}
	}
	programs := []*program{{name: "bare"}, {name: "the usual program"}, {name: deployed[0], event: `{"force":true}`}}
	for i, pkg := range []string{"internal/bench/programs/bare", "internal/bench/programs/naive", "functions/" + deployed[0]} {
		if err := programs[i].prepare(ctx, p, pkg); err != nil {
			return err
		}
	}
	all := make([]*refreshes, len(programs))
	for i := range programs {
		all[i] = &refreshes{}
	}
	progress("measuring cold starts")
	if err := measureCold(ctx, p, programs, all, out); err != nil {
		return err
	}
	progress("measuring warm refreshes")
	for i, one := range programs[1:] {
		defer one.world.close()
		if err := one.measureWarm(ctx, p, all[i+1]); err != nil {
			return err
		}
	}
	if err := writeRefreshes(out, p, programs, all); err != nil {
		return err
	}
	return writeTargets(out, append(targets(all[1], all[2]), zips...))
}

// prepare builds a program and makes its world. The usual one has none of the template's
// settings of the Go runtime.
func (p *program) prepare(ctx context.Context, plan plan, pkg string) (err error) {
	if p.binary, err = build(ctx, plan.temporaryFiles, pkg, ""); err != nil || p.name == "bare" {
		return err
	}
	p.answer = `"refreshed":1`
	p.world, err = newWorld(plan, "RefreshHesabe", sandbox.Hesabe) //nolint:contextcheck // its servers outlive ctx
	if err != nil {
		return err
	}
	p.world.aws.SetSecret(p.world.secret(sandbox.Hesabe, "tokens"),
		fmt.Sprintf(`{"refresh_token":%q}`, p.world.sandbox.Issue(sandbox.Hesabe).RefreshToken))
	p.env = p.world.env
	if p.event == "" {
		for _, name := range []string{"GOGC", "GOMEMLIMIT", "GOMAXPROCS", "SSL_CERT_DIR"} {
			delete(p.env, name)
		}
	}
	return nil
}

// measureCold starts each program in turn and lets it refresh once, with all of the processor
// and with a function's share. The first rounds fill the caches of the machine and don't count.
func measureCold(ctx context.Context, p plan, programs []*program, all []*refreshes, out io.Writer) error {
	const unmeasured = 2
	shared := true
	for round := range unmeasured + p.rounds {
		for i, one := range programs {
			if round == unmeasured {
				*all[i] = refreshes{}
			}
			if err := one.cold(ctx, all[i], false); err != nil {
				return err
			}
			if !shared {
				continue
			}
			if err := one.cold(ctx, all[i], true); err != nil {
				fmt.Fprintf(out, "Skipped, the share of a processor at 128 MB: it wants control groups or /proc (%v).\n", err)
				shared = false
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
	before := f.Process().CPU
	answer, err := p.invoke(ctx, f, p.event, p.answer)
	if err != nil {
		return err
	}
	answered := time.Now()
	firstCPU := f.Process().CPU - before
	f.Close()
	process := f.Process()
	init := milliseconds(process.Init)
	if shared {
		first := milliseconds(answer.Duration)
		r.first, r.billed = append(r.first, first), append(r.billed, init+first)
		return nil
	}
	r.init = append(r.init, init)
	r.total = append(r.total, milliseconds(answered.Sub(process.Started)))
	r.cpu, r.firstCPU = append(r.cpu, milliseconds(process.CPU)), append(r.firstCPU, milliseconds(firstCPU))
	return nil
}

// measureWarm lets one process refresh, every call taking the latency longer. The last event
// finds nothing due.
func (p *program) measureWarm(ctx context.Context, plan plan, r *refreshes) error {
	before := p.world.connections()
	f, err := p.start(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	for round := range plan.rounds + 1 {
		p.world.takeCalls()
		answer, err := p.invoke(ctx, f, p.event, p.answer)
		if err != nil {
			return err
		}
		p.world.setLatency(plan.latency)
		if round == 0 {
			continue // cold
		}
		r.waves = waves(p.world.takeCalls())
		trips := 0.0
		for _, w := range r.waves {
			trips += milliseconds(w.took())
		}
		took := milliseconds(answer.Duration)
		r.warm, r.overTrips = append(r.warm, took), append(r.overTrips, took/trips)
	}
	if p.event != "" { // the usual program refreshes whatever the event says
		if _, err := p.invoke(ctx, f, `{}`, `"not_due":1`); err != nil {
			return err
		}
		r.tick = waves(p.world.takeCalls())
	}
	for i, n := range p.world.connections() {
		r.opened[i] = n - before[i]
	}
	r.peakMiB = float64(f.Process().PeakRSS) / mib
	return nil
}

const mib = 1 << 20

func targets(usual, own *refreshes) []target {
	var all []target
	if first := own.first.over(usual.first); len(first) > 0 {
		billed := own.billed.over(usual.billed)
		all = append(
			all,
			target{name: "first refresh at 128 MB, × the usual program", measured: first.median(), limit: 0.15, note: first.String()},
			target{
				name: "init and first refresh at 128 MB, × the usual program", measured: billed.median(), limit: 0.4,
				note: billed.String(),
			},
		)
	}
	connections := 0
	for _, n := range own.opened {
		connections += n
	}
	return append(
		all,
		target{
			name: "warm refresh, × its sequential round trips", measured: own.overTrips.median(), limit: 1.05,
			note: fmt.Sprintf("%d round trips, %s", len(own.waves), own.overTrips),
		},
		target{
			name: fmt.Sprintf("connections for %d refreshes", 1+len(own.warm)), measured: float64(connections), limit: 5,
			note: fmt.Sprintf("Secrets Manager %d, DynamoDB %d, provider %d", own.opened[0], own.opened[1], own.opened[2]),
		},
		target{name: "peak memory, MiB", measured: own.peakMiB, limit: 22},
		target{name: "AWS calls of a tick with nothing due", measured: float64(len(own.tick)), limit: 1},
	)
}

func writeRefreshes(out io.Writer, p plan, programs []*program, all []*refreshes) error {
	fmt.Fprintf(out, "\nMedians (quartiles) of %d rounds, the programs in turn.\n\n", p.rounds)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "program\tinit, ms\tcold start to answer, ms\tof it CPU, ms\tfirst refresh, CPU ms\tat 128 MB, ms\t"+
		"warm refresh at %v a call, ms\tpeak, MiB\n", p.latency)
	for i, one := range programs {
		r := all[i]
		fmt.Fprintf(table, "%s\t%v\t%v\t%v\t%v\t%v\t%v\t%.1f\n",
			one.name, r.init, r.total, r.cpu, r.firstCPU, r.first, r.warm, r.peakMiB)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i, one := range programs[1:] {
		fmt.Fprintf(out, "\n%s refresh: %s", one.name, describe(all[i+1].waves))
	}
	_, err := fmt.Fprintf(out, "\ntick with nothing due: %s\n", describe(all[2].tick))
	return err
}

// wave is a group of calls that were under way together: one sequential round trip.
type wave []fakeaws.Call

// waves groups calls, which are in order of their start. A wave lasts until the first of its
// calls has ended.
func waves(calls []fakeaws.Call) []wave {
	var groups []wave
	var end time.Time
	for _, c := range calls {
		if len(groups) == 0 || !c.Start.Before(end) {
			groups, end = append(groups, nil), c.End
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], c)
		if c.End.Before(end) {
			end = c.End
		}
	}
	return groups
}

// took is how long the server was at work on the wave's longest call.
func (w wave) took() time.Duration {
	var longest time.Duration
	for _, c := range w {
		longest = max(longest, c.End.Sub(c.Start))
	}
	return longest
}

// describe is like "Query ledger → DescribeSecret 1, GetSecretValue 2".
func describe(groups []wave) string {
	steps := make([]string, len(groups))
	for i, w := range groups {
		steps[i] = listed(w)
	}
	return strings.Join(steps, " → ")
}
