package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tokenrefresh/internal/bench/endpoint"
)

// wave is a group of calls that were under way together: one sequential round trip.
type wave []endpoint.Call

// waves groups calls, which are in order of their start. A wave lasts until the
// first of its calls has ended.
func waves(calls []endpoint.Call) []wave {
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

// String is "DescribeSecret + 2 × GetSecretValue".
func (w wave) String() string {
	counts := map[string]int{}
	for _, c := range w {
		counts[c.Op]++
	}
	var parts []string
	for _, op := range slices.Sorted(maps.Keys(counts)) {
		if counts[op] > 1 {
			op = fmt.Sprintf("%d × %s", counts[op], op)
		}
		parts = append(parts, op)
	}
	return strings.Join(parts, " + ")
}

// describe writes one step a wave.
func describe(groups []wave) []string {
	steps := make([]string, len(groups))
	for i, w := range groups {
		steps[i] = w.String()
	}
	return steps
}
