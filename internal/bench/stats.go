package main

import (
	"fmt"
	"slices"
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
