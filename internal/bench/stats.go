package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// series is one figure, a value a round.
type series []float64

// quantile interpolates linearly between the neighbours; 0 without values.
func (s series) quantile(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func (s series) median() float64 { return s.quantile(0.5) }

// over divides round by round, so that a slow moment of the machine, which meets all programs
// of a round, cancels out.
func (s series) over(other series) series {
	out := make(series, len(s))
	for i := range s {
		out[i] = s[i] / other[i]
	}
	return out
}

// String is the median with the quartiles.
func (s series) String() string {
	if len(s) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.median(), s.quantile(0.25), s.quantile(0.75))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// target is what a figure should be at most, or at least.
type target struct {
	name     string
	measured float64
	least    bool
	limit    float64
	note     string
}

func (t target) met() bool { return t.measured == t.limit || t.measured > t.limit == t.least }

func writeTargets(w io.Writer, targets []target) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "\ntarget\tmeasured\twanted\t\t")
	for _, t := range targets {
		verdict, sign := "ok", "≤"
		if !t.met() {
			verdict = "MISSED"
		}
		if t.least {
			sign = "≥"
		}
		fmt.Fprintf(table, "%s\t%.3g\t%s %.3g\t%s\t%s\n", t.name, t.measured, sign, t.limit, verdict, t.note)
	}
	return table.Flush()
}
