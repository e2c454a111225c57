// Package doctor checks everything that has to be right for tokens to stay fresh, and reports the
// cause of each trouble and how to mend it. It changes nothing and calls no provider with
// credentials.
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Verdict is the result of a check.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Warn    Verdict = "warn"    // worth a look; nothing is broken by it
	Fail    Verdict = "fail"    // a person must act
	Skipped Verdict = "skipped" // not looked at; with a Mend: it could not be
)

// Finding is what one check has found. docs/doctor.md describes its JSON.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Cause   string  `json:"cause"` // if ok: what was seen
	// Mend is what to do; empty: nothing.
	Mend string `json:"mend,omitempty"`
	// Commands are lines for a shell that do it, or begin it.
	Commands []string `json:"commands,omitempty"`
}

// NeedsPerson reports whether a person must act: something is wrong, or a permission to look is
// missing.
func (f Finding) NeedsPerson() bool {
	return f.Verdict == Fail || f.Verdict == Skipped && f.Mend != ""
}

func ok(format string, args ...any) Finding {
	return Finding{Verdict: OK, Cause: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) Finding {
	return Finding{Verdict: Skipped, Cause: fmt.Sprintf(format, args...)}
}

func warn(format string, args ...any) Finding {
	return Finding{Verdict: Warn, Cause: fmt.Sprintf(format, args...)}
}

func fail(format string, args ...any) Finding {
	return Finding{Verdict: Fail, Cause: fmt.Sprintf(format, args...)}
}

// mend adds what to do about it.
func (f Finding) mend(words string, commands ...string) Finding {
	f.Mend, f.Commands = words, commands
	return f
}

// orOK is what was found or, if that is nothing, what was seen.
func orOK(found []Finding, format string, args ...any) []Finding {
	if len(found) > 0 {
		return found
	}
	return []Finding{ok(format, args...)}
}

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
	findings := slices.Concat(found...)
	return Report{Well: !slices.ContainsFunc(findings, Finding.NeedsPerson), Findings: findings}
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
