package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	sweepRounds   = 5
	sweepRows     = 10_000 // due in a measured sweep
	sweepProvider = 20 * time.Millisecond
	sweepAWS      = 5 * time.Millisecond

	// few is how many rows are due in the ticks, in tables of these sizes.
	few        = 50
	smallTable = 10_000
	largeTable = 100_000

	// usual is the template's number of workers.
	usual = 32
	// lifetime is of an access token.
	lifetime = time.Hour
)

// sweep is what one invocation of a new process did.
type sweep struct {
	written       int           // rows
	working       time.Duration // from the first read of a row to the last write of one
	whole         time.Duration // the invocation
	calls         []fakeaws.Call
	toTables      int    // of the calls
	connections   [3]int // as fakeaws.World counts them
	units         fakeaws.Units
	peakMiB       float64
	cpu, fakesCPU time.Duration // of the function's process, and of this one meanwhile
}

// measureSweeps lets the shipped function sweep, and writes what was found.
func measureSweeps(ctx context.Context, dir string, out io.Writer) error {
	binary, err := build(ctx, dir, "functions/refresh-berbix")
	if err != nil {
		return err
	}
	run := func(total, due, workers int) (s sweep) {
		if err == nil {
			progress("sweeping %d rows with %d due, %d workers", total, due, workers)
			s, err = runSweep(ctx, dir, binary, total, due, workers)
		}
		return s
	}
	idle, small, large := run(smallTable, 0, usual), run(smallTable, few, usual), run(largeTable, few, usual)
	all := map[int][]sweep{}
	for range sweepRounds {
		for _, workers := range []int{8, usual, 128} {
			all[workers] = append(all[workers], run(sweepRows, sweepRows, workers))
		}
	}
	if err != nil {
		return err
	}
	if err := writeSweeps(out, all); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWith %d workers a row takes %.2f calls to DynamoDB.\n", usual, float64(all[usual][0].toTables)/sweepRows)
	for rows, s := range map[int]sweep{smallTable: small, largeTable: large} {
		fmt.Fprintf(out, "A tick with %d of %d rows due: %d calls to DynamoDB, %g read units, %g write units.\n",
			s.written, rows, s.toTables, s.units.Reads, s.units.Writes)
	}
	return writeMonths(out, measuredOf(idle, small, all[usual]))
}

// runSweep starts the function, lets it work on all that is due, and ends it. What it says of
// itself must be what the services have seen.
func runSweep(ctx context.Context, dir, binary string, total, due, workers int) (s sweep, err error) {
	w, err := newWorld(dir, "RefreshBerbix", sandbox.Berbix)
	if err != nil {
		return s, err
	}
	defer w.Close()
	fill(w, total, due)
	w.Secrets.SetLatency(sweepAWS)
	w.Tables.SetLatency(sweepAWS)
	w.Provider.SetLatency(sweepProvider)
	w.Env["SWEEP_WORKERS"] = strconv.Itoa(workers)
	p := program{binary: binary, env: w.Env, answer: fmt.Sprintf(`"refreshed":%d`, due)}
	if due == 0 {
		p.answer = `"not_due":1`
	}
	f, err := p.start(ctx)
	if err != nil {
		return s, err
	}
	defer f.Close()
	before := cpuTime()
	r, err := p.invoke(ctx, f, "{}")
	if err != nil {
		return s, err
	}
	s.whole, s.fakesCPU = r.Duration, cpuTime()-before
	f.Close()
	s.peakMiB, s.cpu = float64(f.Process().PeakRSS)/mib, f.Process().CPU
	s.connections, s.units = w.Connections(), w.Units()
	tables := w.Tables.TakeCalls()
	s.toTables, s.calls = len(tables), append(tables, w.TakeCalls()...)
	s.written, s.working = span(tables)
	presented := w.Sandbox.Stats(sandbox.Berbix)
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
		if c.Op == rowsRead && (first.IsZero() || c.Start.Before(first)) {
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
func fill(w *fakeaws.World, total, due int) {
	now, account := time.Now(), w.Env["ACCOUNTS"]
	attribute := func(kind, value string) json.RawMessage { return json.RawMessage(`{"` + kind + `":"` + value + `"}`) }
	moment := func(at time.Time) json.RawMessage { return attribute("S", at.UTC().Format(time.RFC3339)) }
	for i := range total {
		refreshed := now.Add(-time.Duration(1+i%40) * time.Minute)
		if i < due {
			refreshed = now.Add(-48*time.Minute - time.Duration(i%60)*time.Second)
		}
		open := w.Sandbox.AddTransaction()
		token := strings.Repeat("0", len(open.RefreshToken))
		w.PutItem(w.Env["TRANSACTIONS_TABLE"], fakeaws.Item{
			"transaction_id":    attribute("N", strconv.FormatInt(open.ID, 10)),
			"due_shard":         attribute("S", account+"#"+strconv.Itoa(store.ShardOf(open.ID))),
			"refresh_at":        moment(refreshed.Add(48 * time.Minute)),
			"access_expires_at": moment(refreshed.Add(lifetime)),
			"ttl":               attribute("N", strconv.FormatInt(now.Add(30*24*time.Hour).Unix(), 10)),
			"account":           attribute("S", account),
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

func writeSweeps(out io.Writer, all map[int][]sweep) error {
	fmt.Fprintf(out, "\nSweeps of %d due rows by a new process each, a provider call taking %v and one to AWS %v. Medians\n"+
		"(quartiles) of %d rounds. A worker's ideal is a provider call and a write, one after the other.\n\n",
		sweepRows, sweepProvider, sweepAWS, sweepRounds)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "workers\trows a second\tof the ideal\tconnections, each\tCPU a row, ms\tof the fakes\tpeak, MiB")
	for _, workers := range []int{8, usual, 128} {
		median := func(figure func(sweep) float64) float64 { return each(all[workers], figure).median() }
		fmt.Fprintf(table, "%d\t%.0f\t%v\t%.2f\t%.2f\t%.2f\t%.1f\n", workers,
			median(sweep.rate),
			each(all[workers], func(s sweep) float64 { return s.share(workers, sweepProvider, sweepAWS) }),
			median(func(s sweep) float64 { return float64(max(s.connections[1], s.connections[2])) / float64(workers) }),
			median(func(s sweep) float64 { return milliseconds(s.cpu) / sweepRows }),
			median(func(s sweep) float64 { return milliseconds(s.fakesCPU) / sweepRows }),
			median(func(s sweep) float64 { return s.peakMiB }))
	}
	return table.Flush()
}
