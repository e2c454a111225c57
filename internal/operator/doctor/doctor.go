package doctor

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// usualLimit is how long a check may take that names no limit of its own.
const usualLimit = 20 * time.Second

// Check is one thing to look at.
type Check struct {
	Name string
	// After names a check that comes first. If that one fails, this one would only repeat it, and
	// is skipped.
	After string
	Limit time.Duration // 0: a usual one
	// Look returns what is wrong, or one finding that all is well; none if the check does not
	// apply.
	Look func(ctx context.Context) []Finding
}

// Report is what all checks have found.
type Report struct {
	Well     bool      `json:"well"` // no person must act
	Findings []Finding `json:"findings"`
}

// end is the result of a check, for those that wait for it.
type end struct {
	reached chan struct{}
	fault   string // the check that failed: this one, or one before it; empty: none
}

// Run makes the checks side by side and reports in their order.
func Run(ctx context.Context, checks []Check) Report {
	found := make([][]Finding, len(checks))
	ends := make(map[string]*end, len(checks))
	for _, c := range checks {
		ends[c.Name] = &end{reached: make(chan struct{})}
	}
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			own := ends[c.Name]
			found[i], own.fault = c.run(ctx, ends[c.After])
			close(own.reached)
		})
	}
	all.Wait()
	report := Report{Findings: slices.Concat(found...)}
	report.Well = !slices.ContainsFunc(report.Findings, Finding.NeedsPerson)
	return report
}

// run makes one check, once the one before it has ended. fault names the one that failed.
func (c Check) run(ctx context.Context, before *end) (found []Finding, fault string) {
	if before != nil {
		<-before.reached
		fault = before.fault
	}
	if fault != "" {
		found = []Finding{skipped("needs %s, see there", fault)}
	} else {
		ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Limit, usualLimit))
		defer cancel()
		if found = c.Look(ctx); slices.ContainsFunc(found, Finding.NeedsPerson) {
			fault = c.Name
		}
	}
	for i := range found {
		found[i].Check = c.Name
	}
	return found, fault
}

// once fetches once what several checks need.
type once[T any] struct {
	sync.Once
	value T
	err   error
}

func (o *once[T]) get(ask func() (T, error)) (T, error) {
	o.Do(func() { o.value, o.err = ask() })
	return o.value, o.err
}
