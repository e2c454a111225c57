package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"tokenrefresh/internal/fakeaws"
	"tokenrefresh/internal/sandbox"
	"tokenrefresh/pkg/store"
)

const (
	// few is how many rows are due in the sweeps that are not about throughput, in tables of
	// these sizes.
	few        = 50
	smallTable = 10_000
	largeTable = 100_000

	// usual is the template's number of workers, whose memory counts.
	usual = 32
	// lifetime is of an access token.
	lifetime = time.Hour
)

var crews = []int{8, usual, 128}

// sweep is what one invocation of a new process did.
type sweep struct {
	written       int           // rows
	working       time.Duration // from the first read of a row to the last write of one
	whole         time.Duration // the invocation
	calls         []fakeaws.Call
	connections   [3]int // as world.connections counts them
	units         fakeaws.Units
	peakMiB       float64
	cpu, fakesCPU time.Duration // of the function's process, and of this one meanwhile
}

// measureSweeps lets the shipped function sweep, and writes what was found.
func measureSweeps(ctx context.Context, p plan, out io.Writer) error {
	// The services allocate little, and what they collect is missing to the function.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	progress("building refresh-berbix")
	binary, err := build(ctx, p.temporaryFiles, "functions/refresh-berbix", "")
	if err != nil {
		return err
	}
	run := func(total, due, workers int) (sweep, error) {
		progress("sweeping %d rows with %d due, %d workers", total, due, workers)
		return runSweep(ctx, p, binary, total, due, workers)
	}
	idle, err := run(smallTable, 0, usual)
	if err != nil {
		return err
	}
	small, err := run(smallTable, few, usual)
	if err != nil {
		return err
	}
	large, err := run(largeTable, few, usual)
	if err != nil {
		return err
	}
	all := map[int][]sweep{}
	for range p.sweeps {
		for _, workers := range crews {
			one, err := run(p.rows, p.rows, workers)
			if err != nil {
				return err
			}
			all[workers] = append(all[workers], one)
		}
	}
	return writeSweeps(out, p, idle, small, large, all)
}

// runSweep starts the function, lets it work on all that is due, and ends it. What it says of
// itself must be what the services have seen.
func runSweep(ctx context.Context, p plan, binary string, total, due, workers int) (sweep, error) {
	w, err := newWorld(p, "RefreshBerbix", sandbox.Berbix) //nolint:contextcheck // its servers outlive ctx
	if err != nil {
		return sweep{}, err
	}
	defer w.close()
	w.fill(total, due)
	w.secrets.SetLatency(p.aws)
	w.tables.SetLatency(p.aws)
	w.provider.SetLatency(p.provider)
	w.env["SWEEP_WORKERS"] = strconv.Itoa(workers)
	said := fmt.Sprintf(`"refreshed":%d`, due)
	if due == 0 {
		said = `"not_due":1`
	}
	one := program{name: "refresh-berbix", binary: binary, env: w.env}
	f, err := one.start(ctx)
	if err != nil {
		return sweep{}, err
	}
	defer f.Close()
	before := cpuTime()
	r, err := one.invoke(ctx, f, "{}", said)
	if err != nil {
		return sweep{}, err
	}
	s := sweep{whole: r.Duration, fakesCPU: cpuTime() - before}
	f.Close()
	s.peakMiB, s.cpu = float64(f.Process().PeakRSS)/mib, f.Process().CPU
	s.calls, s.connections, s.units = w.takeCalls(), w.connections(), w.aws.Units()
	s.written, s.working = span(s.calls)
	presented := w.sandbox.Stats(sandbox.Berbix)
	if s.written != due || presented.Refreshes != due || presented.Repeated > 0 {
		return s, fmt.Errorf("%d rows were due: %d were written, %d presented, %d of them again",
			due, s.written, presented.Refreshes, presented.Repeated)
	}
	return s, nil
}

// The calls of a sweep that belong to a row.
const (
	providerCall = "POST /v0/tokens"
	rowsRead     = "BatchGetItem transactions"
	rowWritten   = "UpdateItem transactions"
)

// span is how many rows were written, and the time from the first read of a row to the last
// write of one.
func span(calls []fakeaws.Call) (written int, took time.Duration) {
	var first, last time.Time
	for _, c := range calls {
		if c.Op == rowsRead && first.IsZero() {
			first = c.Start
		}
		if c.Op == rowWritten {
			written++
			if c.End.After(last) {
				last = c.End
			}
		}
	}
	return written, last.Sub(first)
}

// fill records transactions, of which the first few are due: their access tokens have some
// minutes left. The others were refreshed lately.
func (w *world) fill(total, due int) {
	now, table := time.Now(), w.env["TRANSACTIONS_TABLE"]
	for i := range total {
		refreshed := now.Add(-time.Duration(1+i%40) * time.Minute)
		if i < due {
			refreshed = now.Add(-48*time.Minute - time.Duration(i%60)*time.Second)
		}
		open := w.sandbox.AddTransaction()
		attribute := func(kind, value string) json.RawMessage { return json.RawMessage(`{"` + kind + `":"` + value + `"}`) }
		moment := func(at time.Time) json.RawMessage { return attribute("S", at.UTC().Format(time.RFC3339)) }
		token := strings.Repeat("0", len(open.RefreshToken))
		w.aws.PutItem(table, fakeaws.Item{
			"transaction_id":    attribute("N", strconv.FormatInt(open.ID, 10)),
			"due_shard":         attribute("S", w.env["ACCOUNTS"]+"#"+strconv.Itoa(store.ShardOf(open.ID))),
			"refresh_at":        moment(refreshed.Add(48 * time.Minute)),
			"access_expires_at": moment(refreshed.Add(lifetime)),
			"ttl":               attribute("N", strconv.FormatInt(now.Add(30*24*time.Hour).Unix(), 10)),
			"account":           attribute("S", w.env["ACCOUNTS"]),
			"refresh_token":     attribute("S", open.RefreshToken),
			"access_token":      attribute("S", token),
			"client_token":      attribute("S", token),
			"customer_uid":      attribute("S", "customer-"+strconv.Itoa(i)),
			"status":            attribute("S", string(store.StatusActive)),
			"recorded_at":       moment(refreshed),
		})
	}
}

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// took is how long the calls of an operation took, on average.
func (s sweep) took(op string) time.Duration {
	var sum time.Duration
	n := 0
	for _, c := range s.calls {
		if c.Op == op {
			sum += c.End.Sub(c.Start)
			n++
		}
	}
	return sum / time.Duration(max(1, n))
}

// share is how many rows a second were done, of what workers would do that only wait for a
// provider call and a write a row.
func (s sweep) share(workers int, provider, write time.Duration) float64 {
	return s.rate() / float64(workers) * (provider + write).Seconds()
}

func (s sweep) rate() float64 { return float64(s.written) / s.working.Seconds() }

// each takes one figure of every round.
func each(rounds []sweep, figure func(sweep) float64) series {
	var out series
	for _, one := range rounds {
		out = append(out, figure(one))
	}
	return out
}

// listed is like "BatchGetItem 2, Query transactions 8".
func listed(calls []fakeaws.Call) string {
	counts := map[string]int{}
	for _, c := range calls {
		counts[c.Op]++
	}
	var parts []string
	for _, op := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", op, counts[op]))
	}
	return strings.Join(parts, ", ")
}

func writeSweeps(out io.Writer, p plan, idle, small, large sweep, all map[int][]sweep) error {
	fmt.Fprintf(out, "\nSweeps of %d due rows by a new process each, a provider call taking %v and one to AWS %v.\n"+
		"Medians (quartiles) of %d rounds. A worker's ideal is a provider call and a write, one after the other;\n"+
		"measured is the same with the times that the calls took.\n\n", p.rows, p.provider, p.aws, p.sweeps)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "workers\trows a second\tof the ideal\tof the measured\tprovider, ms\twrite, ms\tpeak, MiB\t"+
		"CPU a row, ms\tof the fakes")
	var wanted []target
	for i, workers := range crews {
		rounds := all[workers]
		ideal := each(rounds, func(s sweep) float64 { return s.share(workers, p.provider, p.aws) })
		connections := each(rounds, func(s sweep) float64 {
			return float64(max(s.connections[1], s.connections[2])) / float64(workers)
		})
		fmt.Fprintf(table, "%d\t%.0f\t%v\t%v\t%.2f\t%.2f\t%.1f\t%.3f\t%.3f\n", workers,
			each(rounds, sweep.rate).median(), ideal,
			each(rounds, func(s sweep) float64 { return s.share(workers, s.took(providerCall), s.took(rowWritten)) }),
			each(rounds, func(s sweep) float64 { return milliseconds(s.took(providerCall)) }).median(),
			each(rounds, func(s sweep) float64 { return milliseconds(s.took(rowWritten)) }).median(),
			each(rounds, func(s sweep) float64 { return s.peakMiB }).median(),
			each(rounds, func(s sweep) float64 { return milliseconds(s.cpu) / float64(s.written) }).median(),
			each(rounds, func(s sweep) float64 { return milliseconds(s.fakesCPU) / float64(s.written) }).median())
		wanted = append(
			wanted,
			target{
				name: fmt.Sprintf("rate of %d workers, of the ideal", workers), measured: ideal.median(),
				least: true, limit: []float64{0.9, 0.9, 0.7}[i],
			},
			target{
				name: fmt.Sprintf("connections of %d workers, a worker and host", workers), measured: connections.median(), limit: 1.2,
			},
		)
	}
	fmt.Fprintln(table, "\nrows in the table\tdue\tread units\twrite units\tcalls")
	for i, tick := range []sweep{idle, small, large} {
		fmt.Fprintf(table, "%d\t%d\t%g\t%g\t%s\n", []int{smallTable, smallTable, largeTable}[i], tick.written,
			tick.units.Reads, tick.units.Writes, listed(tick.calls))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	peak := each(all[usual], func(s sweep) float64 { return s.peakMiB }).median()
	wanted = append(wanted, target{name: fmt.Sprintf("peak memory of %d workers, MiB", usual), measured: peak, limit: 24})
	if err := writeTargets(out, wanted); err != nil {
		return err
	}
	fmt.Fprintf(out, "\ncalls of %d workers: %s\n", usual, listed(all[usual][0].calls))
	return writeMonths(out, measuredOf(idle, small, all[usual]))
}
