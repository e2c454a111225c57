package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
)

var many = flag.Bool("many", false, "simulate thousands of accounts for hours, for docs/many-accounts.md; otherwise a few hundred")

// TestManyAccounts simulates hours of scheduled runs over the real engine: no account whose
// provider answers goes without a token, and an outage is over within two runs. Not simulated is
// the time that the processor takes, which bench measures.
func TestManyAccounts(t *testing.T) {
	t.Parallel()
	sizes, hours, crowd, outage := []int{200}, 1, 200, 100
	if *many {
		sizes, hours, crowd, outage = []int{1000, 3000, 6000}, 1, 6000, 1000
	}
	one := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test)
		})
	}
	for _, n := range sizes {
		one(fmt.Sprintf("%d accounts", n), func(t *testing.T) { newCloud(n).live(t, hours, nil) })
	}
	for name, hosts := range map[string]func(string) string{
		"on one host":           func(string) string { return "bad" },
		"on hosts of their own": func(account string) string { return "bad-" + account },
		"on the host of all":    func(string) string { return "api" },
	} {
		one(fmt.Sprintf("%d accounts, 1 %% hang %s", crowd, name), func(t *testing.T) {
			c := newCloud(crowd)
			bad := func(account string) bool { return strings.HasSuffix(account, "00") }
			c.hosts = func(account string) string {
				if bad(account) {
					return hosts(account)
				}
				return "api"
			}
			c.live(t, hours, bad)
		})
	}
	one(fmt.Sprintf("%d accounts, an outage of two hours", outage), func(t *testing.T) {
		c := newCloud(outage)
		for range 30 {
			c.minute(t)
		}
		c.down = true
		for range 120 {
			c.minute(t)
		}
		c.down = false
		for run := 1; ; run++ {
			outcomes, _ := c.minute(t)
			fresh := 0
			for _, until := range c.published {
				if until.After(time.Now()) {
					fresh++
				}
			}
			t.Logf("run %d after the outage: %v, %d of %d fresh", run, outcomes, fresh, outage)
			if fresh == outage {
				break
			}
			assert.Assert(t, run != 2, "not all are fresh within two runs")
		}
	})
}

// minute is one scheduled run, and the time until the next.
func (c *cloud) minute(t *testing.T) (outcomes map[outcome.Outcome]int, took time.Duration) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), manyTimeout)
	defer cancel()
	e := refresh.Engine{Provider: c, Secrets: c, Ledger: c, NewID: uuid.NewString, WriteRate: secretWrites}.WithDefaults()
	outcomes = map[outcome.Outcome]int{}
	for _, r := range e.Run(ctx, refresh.Request{RunID: "run"}) {
		outcomes[r.Outcome]++
	}
	took = time.Since(began)
	time.Sleep(time.Until(began.Add(tick)))
	return outcomes, took
}

// live lets time go by: half an hour until all have tokens, then so many hours, in which some
// accounts hang.
func (c *cloud) live(t *testing.T, hours int, hangs func(string) bool) {
	t.Helper()
	for range 30 {
		c.minute(t)
	}
	c.watched = time.Now()
	if hangs != nil {
		c.hangs = hangs
	}
	sum, left := 0, 0
	var longest time.Duration
	bad := map[outcome.Outcome]int{}
	runs := hours * 60
	for range runs {
		outcomes, took := c.minute(t)
		sum += outcomes[outcome.Refreshed] + outcomes[outcome.LoggedIn]
		left = max(left, outcomes[outcome.Left])
		longest = max(longest, took)
		for _, what := range []outcome.Outcome{outcome.PersistFailed, outcome.Misconfigured, outcome.Uncertain} {
			bad[what] += outcomes[what]
		}
	}
	gap, n := c.healthyGaps()
	t.Logf("%d refreshes a run, longest run %.1f s, left at most %d, %d writes throttled, %d not current at once; "+
		"healthy accounts with a gap: %d, longest %v", sum/runs, longest.Seconds(), left, c.throttled, bad[outcome.PersistFailed],
		n, gap.Round(time.Second))
	assert.Check(t, n == 0 && c.replays == 0 && bad[outcome.Uncertain]+bad[outcome.Misconfigured] == 0,
		"%d healthy accounts have a gap, the longest %v; %d replays; %v", n, gap, c.replays, bad)
}
