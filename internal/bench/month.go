package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"tokenrefresh/internal/bench/cost"
)

// assumed is a provider and a deployment of the usual kind.
var assumed = cost.Assumed{
	Lifetime: time.Hour, Provider: 300 * time.Millisecond, Write: 5 * time.Millisecond, MemoryMB: 128,
}

// measured is what the costs are computed from. Two sweeps of different size tell what
// belongs to a row and what to the sweep.
func (s *sweeps) measured() cost.Measured {
	big := s.series[usualCrew][0]
	row := per(usage(big), usage(s.small), float64(big.written-s.small.written))
	nominal, _ := s.efficiency(usualCrew)
	cpu := s.each(usualCrew, func(one sweep) float64 { return float64(one.cpu) / float64(one.written) })
	return cost.Measured{
		Idle:       usage(s.idle),
		Row:        row,
		Sweep:      less(usage(s.small), row, float64(s.small.written)),
		IdleTime:   s.idle.whole,
		SweepTime:  s.small.whole - s.small.working,
		Workers:    usualCrew,
		Efficiency: spreadOf(nominal).Median,
		CPU:        time.Duration(spreadOf(cpu).Median),
	}
}

func usage(s sweep) cost.Usage {
	return cost.Usage{Reads: s.units.Reads, Writes: s.units.Writes, SecretsCalls: float64(s.secretsCalls)}
}

// per is what a has more than b, for each of n.
func per(a, b cost.Usage, n float64) cost.Usage {
	return cost.Usage{
		Reads: (a.Reads - b.Reads) / n, Writes: (a.Writes - b.Writes) / n, SecretsCalls: (a.SecretsCalls - b.SecretsCalls) / n,
	}
}

// less is a without n times b.
func less(a, b cost.Usage, n float64) cost.Usage {
	return cost.Usage{
		Reads: a.Reads - n*b.Reads, Writes: a.Writes - n*b.Writes, SecretsCalls: a.SecretsCalls - n*b.SecretsCalls,
	}
}

func (r *sweepReport) writeMonths(w io.Writer) error {
	m, a := r.Measured, r.Assumed
	fmt.Fprintf(w, "\nA month of open transactions whose tokens live %v: each is refreshed every %v. A row has %d bytes, its\n"+
		"entry in the index %d. A refresh takes %.2f read and %.2f write units, a sweep %.1f and %.1f more; provider calls of %v are\n"+
		"assumed, with which a row adds %.1f ms to a sweep of %d workers.\n\n",
		a.Lifetime, cost.Interval(a.Lifetime).Round(time.Second), r.RowBytes, r.EntryBytes, m.Row.Reads, m.Row.Writes,
		m.Sweep.Reads, m.Sweep.Writes, a.Provider, milliseconds(cost.RowTime(m, a)), m.Workers)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	line := func(name string, value func(cost.Month) string) {
		fmt.Fprintf(table, "%s\t", name)
		for _, month := range r.Months {
			fmt.Fprintf(table, "%s\t", value(month))
		}
		fmt.Fprintln(table)
	}
	line("open transactions", func(m cost.Month) string { return fmt.Sprint(m.Transactions) })
	line("refreshes", func(m cost.Month) string { return fmt.Sprintf("%.4g million", m.Refreshes/1e6) })
	for i, item := range r.Months[0].Items {
		line(item.Name, func(m cost.Month) string {
			return fmt.Sprintf("%.4g %s  $%.2f", m.Items[i].Quantity, m.Items[i].Unit, m.Items[i].Dollars)
		})
	}
	line("sum", func(m cost.Month) string { return fmt.Sprintf("$%.2f", m.Dollars) })
	line("a transaction", func(m cost.Month) string { return fmt.Sprintf("$%.5f", m.Dollars/float64(m.Transactions)) })
	return table.Flush()
}
