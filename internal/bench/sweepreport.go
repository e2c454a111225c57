package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"tokenrefresh/internal/bench/cost"
	"tokenrefresh/internal/bench/transactions"
)

// sweepReport is the outcome of the sweeps.
type sweepReport struct {
	Rounds     int            `json:"rounds"`
	Tries      int            `json:"tries"`
	Rows       int            `json:"rows"`
	ProviderMS float64        `json:"provider_ms"`
	DynamoDBMS float64        `json:"dynamodb_ms"`
	Crews      []crewReport   `json:"crews"`
	Ticks      []tickReport   `json:"ticks"`
	RowBytes   int            `json:"row_bytes"`
	EntryBytes int            `json:"index_entry_bytes"`
	Calls      map[string]int `json:"calls"` // of the first sweep with the usual crew
	CrowdRows  int            `json:"crowd_rows"`
	CrowdMiB   float64        `json:"crowd_peak_mib"`
	Targets    []target       `json:"targets"`
	Measured   cost.Measured  `json:"measured"`
	Assumed    cost.Assumed   `json:"assumed"`
	Months     []cost.Month   `json:"months"`
}

// crewReport tells of the sweeps with that many workers.
type crewReport struct {
	Workers  int       `json:"workers"`
	Rows     int       `json:"rows"` // refreshed in the first round
	Rate     spread    `json:"rows_per_second"`
	Nominal  spread    `json:"of_ideal"`
	Measured spread    `json:"of_ideal_as_measured"`
	Provider spread    `json:"provider_took_ms"`
	Update   spread    `json:"update_took_ms"`
	PeakMiB  spread    `json:"peak_mib"`
	CPU      spread    `json:"cpu_ms_per_row"`
	FakeCPU  spread    `json:"fakes_cpu_ms_per_row"`
	Foreign  spread    `json:"share_of_machine_taken_by_others"`
	Conns    [2]spread `json:"connections_per_worker_provider_dynamodb"`
}

// tickReport is what a tick asks of DynamoDB.
type tickReport struct {
	Table  int     `json:"rows_in_table"`
	Due    int     `json:"rows_due"`
	Calls  string  `json:"calls"`
	Reads  float64 `json:"read_units"`
	Writes float64 `json:"write_units"`
}

const mib = 1 << 20

func newSweepReport(s *sweeps) sweepReport {
	r := sweepReport{
		Rounds: s.plan.rounds, Tries: s.plan.tries, Rows: s.plan.rows,
		ProviderMS: milliseconds(s.plan.provider), DynamoDBMS: milliseconds(s.plan.aws),
		Calls: s.series[usualCrew][0].calls, CrowdRows: 10 * s.plan.rows, CrowdMiB: float64(s.crowd.peakRSS) / mib,
		Measured: s.measured(), Assumed: assumed,
	}
	r.RowBytes, r.EntryBytes = transactions.Sizes()
	for _, workers := range crews {
		nominal, measured := s.efficiency(workers)
		figure := func(of func(sweep) float64) spread { return spreadOf(s.each(workers, of)) }
		r.Crews = append(r.Crews, crewReport{
			Workers: workers, Rows: s.series[workers][0].written,
			Nominal: spreadOf(nominal), Measured: spreadOf(measured),
			Rate:     figure(sweep.rate),
			Provider: figure(func(one sweep) float64 { return milliseconds(one.provider) }),
			Update:   figure(func(one sweep) float64 { return milliseconds(one.update) }),
			PeakMiB:  figure(func(one sweep) float64 { return float64(one.peakRSS) / mib }),
			CPU:      figure(func(one sweep) float64 { return milliseconds(one.cpu) / float64(one.written) }),
			FakeCPU:  figure(func(one sweep) float64 { return milliseconds(one.fakeCPU) / float64(one.written) }),
			Foreign:  figure(func(one sweep) float64 { return one.foreign }),
			Conns: [2]spread{
				figure(func(one sweep) float64 { return float64(one.connections.Provider) / float64(workers) }),
				figure(func(one sweep) float64 { return float64(one.connections.DynamoDB) / float64(workers) }),
			},
		})
	}
	for _, one := range []struct {
		sweep
		table, due int
	}{{s.idle, smallTable, 0}, {s.small, smallTable, few}, {s.large, largeTable, few}} {
		r.Ticks = append(r.Ticks, tickReport{one.table, one.due, listed(one.calls), one.units.Reads, one.units.Writes})
	}
	r.Targets = r.targets(s)
	for _, open := range []int{1000, 100_000, 1_000_000} {
		r.Months = append(r.Months, cost.Of(open, r.Measured, r.Assumed, cost.List))
	}
	return r
}

// listed is "BatchGetItem 2, Query due 8".
func listed(calls map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, calls[name]))
	}
	return strings.Join(parts, ", ")
}

func (r *sweepReport) targets(s *sweeps) []target {
	var targets []target
	for i, least := range []float64{0.9, 0.9, 0.7} {
		c := r.Crews[i]
		targets = append(targets, atLeast(fmt.Sprintf("rate of %d workers, of the ideal", c.Workers), c.Nominal.Median, least,
			fmt.Sprintf("%s; of the ideal as measured %.2f", quartiles(c.Nominal), c.Measured.Median)))
	}
	for _, c := range r.Crews {
		targets = append(targets, atMost(fmt.Sprintf("connections of %d workers, a worker and host", c.Workers),
			max(c.Conns[0].Median, c.Conns[1].Median), 1.2, ""))
	}
	usual := s.series[usualCrew][0]
	targets = append(
		targets,
		atMost("writes to DynamoDB a row", float64(usual.calls[transactions.UpdateItem])/float64(usual.written), 1, ""),
		atMost(fmt.Sprintf("peak memory of %d workers, MiB", usualCrew), r.Crews[slices.Index(crews, usualCrew)].PeakMiB.Median, 24,
			fmt.Sprintf("%d rows due; %.1f where %d are", s.plan.rows, r.CrowdMiB, r.CrowdRows)),
	)
	return targets
}

func (r *sweepReport) writeText(w io.Writer) error {
	fmt.Fprintf(w, "Sweeps of %d due rows by a new process each, a provider call taking %g ms and one to DynamoDB %g ms.\n",
		r.Rows, r.ProviderMS, r.DynamoDBMS)
	fmt.Fprintf(w, "Medians (quartiles) of %d rounds, of up to %d tries each the one that others disturbed least. A worker's\n"+
		"ideal is a provider call and a write, one after the other; measured is the same with the times that the calls took.\n\n",
		r.Rounds, r.Tries)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "workers\trows a second\tof the ideal\tof the measured\tprovider, ms\twrite, ms\tpeak, MiB\tCPU a row, ms\t"+
		"of the fakes\tmachine taken by others")
	for _, c := range r.Crews {
		fmt.Fprintf(table, "%d\t%.0f (%.0f–%.0f)\t%v\t%v\t%.2f\t%.2f\t%.1f\t%.3f\t%.3f\t%.2f\n",
			c.Workers, c.Rate.Median, c.Rate.Q1, c.Rate.Q3, c.Nominal, c.Measured, c.Provider.Median, c.Update.Median,
			c.PeakMiB.Median, c.CPU.Median, c.FakeCPU.Median, c.Foreign.Median)
	}
	fmt.Fprintln(table, "\nrows in the table\tdue\tread units\twrite units\tcalls to DynamoDB")
	for _, t := range r.Ticks {
		fmt.Fprintf(table, "%d\t%d\t%g\t%g\t%s\n", t.Table, t.Due, t.Reads, t.Writes, t.Calls)
	}
	writeTargets(table, r.Targets)
	if err := table.Flush(); err != nil {
		return err
	}
	rows := float64(r.Crews[slices.Index(crews, usualCrew)].Rows)
	all := 0
	for _, n := range r.Calls {
		all += n
	}
	fmt.Fprintf(w, "\ncalls of %d workers to DynamoDB, a row: %.3f writes and %.3f reads of rows, %.3f in all (%s)\n", usualCrew,
		float64(r.Calls[transactions.UpdateItem])/rows, float64(r.Calls[transactions.BatchGetItem])/rows, float64(all)/rows,
		listed(r.Calls))
	return r.writeMonths(w)
}
