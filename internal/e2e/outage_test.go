package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// A single failure of AWS at any call of an attempt costs nothing: the run itself
// gets over it.
func TestAWSFailsOnceAtEachCall(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	for _, failure := range failures {
		t.Run(failure.name, func(t *testing.T) {
			t.Parallel()
			c, f := w.loggedIn(t, sandbox.Hesabe, failure.name)
			c.failOnce(t, f, []failureKind{failure})
		})
	}
	// The engine is the same, and so each call fails in one way or another.
	t.Run(string(sandbox.TConnect), func(t *testing.T) {
		t.Parallel()
		c, f := w.loggedIn(t, sandbox.TConnect, "failed")
		c.failOnce(t, f, failures)
	})
}

// failOnce lets each call of an attempt fail once, in one of the ways in turn.
func (c *credential) failOnce(t *testing.T, f *function, ways []failureKind) {
	t.Helper()
	for i, call := range c.forceCalls(t, f) {
		way := ways[i%len(ways)]
		f.wire.expect(call, way.mishap)
		f.want(t, c.force(), "refreshed")
		f.wire.clear()
		c.checkLive(t)
		c.checkSound(t)
		assert.Assert(t, !t.Failed(), "%s %s\n%s", call, way.name, f.Logs())
	}
	logins, _ := c.calls()
	assert.Check(t, logins == 1, "%d logins", logins)
}

// outage is AWS failing from one call of a refresh to the end of the run.
type outage struct {
	name string
	from []string // the first of these calls
	// How the run ends ("error": with a function error), and the next tick, where AWS
	// has done nothing of what was asked; empty: one way or another.
	outcome, next string
}

const nowhere = "kept nowhere"

// The outages by part of an attempt.
var outages = map[string][]outage{
	"before the claim": {
		{"look", []string{"GetItem 1"}, "error", "not_due"}, // without the ledger it is the run itself that fails
		{"read", []string{"GetSecretValue 1"}, "transient", "not_due"},
		{"half read", []string{"GetSecretValue 2"}, "transient", "not_due"},
		{"claim", []string{"UpdateItem 1"}, "transient", "not_due"},
	},
	"until it is kept": {
		{"label", []string{"DescribeSecret 1"}, "", ""}, // beside the claim, which may have been done
		{"half kept", []string{"PutSecretValue 2"}, "", ""},
	},
	nowhere: {
		{"keep", keeping, "error", "logged_in"}, // the reply is lost with the run, which tries for as long as it can
	},
	"until it is settled": {
		{"promote", []string{"UpdateSecretVersionStage 1"}, "error", "recovered"},
		{"half promoted", []string{"UpdateSecretVersionStage 2"}, "error", ""},
		{"settle", []string{"UpdateItem 3"}, "error", "recovered"},
	},
}

// AWS fails from one step of a refresh to the end of the run, and is back at the
// next tick.
func TestAWSIsDownForTheRestOfARun(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	for part, outages := range outages {
		for _, failure := range failures {
			if part == nowhere && failure.name != failures[0].name {
				continue // it takes the whole time of the run
			}
			t.Run(part+" "+failure.name, func(t *testing.T) {
				t.Parallel()
				c, f := w.loggedIn(t, sandbox.Hesabe, strings.ReplaceAll(part, " ", "-")+"-"+failure.name)
				for _, o := range outages {
					c.outlives(t, f, o, failure)
				}
				c.goesOn(t, f)
			})
		}
		if part == nowhere {
			continue
		}
		t.Run(part+" "+string(sandbox.TConnect), func(t *testing.T) {
			t.Parallel()
			c, f := w.loggedIn(t, sandbox.TConnect, strings.ReplaceAll(part, " ", "-"))
			for i, o := range outages {
				c.outlives(t, f, o, failures[(i+len(part))%len(failures)])
			}
			c.goesOn(t, f)
		})
	}
}

// outlives runs a forced refresh in an outage and checks that the credential is
// healthy soon after.
func (c *credential) outlives(t *testing.T, f *function, o outage, way failureKind) {
	t.Helper()
	f.wire.expectFrom(f.resting(way.mishap), o.from...)
	r, err := f.try(t.Context(), c.force())
	outcome := "error"
	if err == nil {
		outcome, err = f.only(r)
		assert.Assert(t, err == nil, "%s %s: %v", o.name, way.name, err)
	}
	f.wire.clear()
	next := c.heals(t, f)
	if way.acts {
		return
	}
	if o.outcome != "" && o.outcome != outcome || o.next != "" && o.next != next {
		t.Errorf("%s %s: %s and then %s, want %s and then %s", o.name, way.name, outcome, next, o.outcome, o.next)
	}
}

// One place fails for the whole of an attempt from the claim on, and all others work.
func TestOnePlaceIsDown(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	places := []struct {
		name string
		down func(call) bool
	}{
		{"ledger", func(c call) bool { return c.operation == "UpdateItem" && c.name != "UpdateItem 1" }},
		{"secrets", func(c call) bool {
			return slices.Contains([]string{"PutSecretValue", "UpdateSecretVersionStage"}, c.operation)
		}},
		{"put tokens", func(c call) bool { return c.operation == "PutSecretValue" && c.document == "tokens" }},
		{"put access", func(c call) bool { return c.operation == "PutSecretValue" && c.document == "access" }},
		{"promote tokens", func(c call) bool { return c.operation == "UpdateSecretVersionStage" && c.document == "tokens" }},
		{"publish access", func(c call) bool { return c.operation == "UpdateSecretVersionStage" && c.document == "access" }},
	}
	for provider := range chained {
		for i, place := range places {
			t.Run(string(provider)+" "+place.name, func(t *testing.T) {
				t.Parallel()
				c, f := w.loggedIn(t, provider, strings.ReplaceAll(place.name, " ", "-"))
				way := failures[(i+len(provider))%len(failures)]
				f.wire.expectAll(func(c call) mishap {
					if place.down(c) {
						return f.resting(way.mishap)
					}
					return nil
				})
				r, err := f.try(t.Context(), c.force())
				f.wire.clear()
				next := c.heals(t, f)
				if logins, _ := c.calls(); logins != 1 {
					t.Errorf("%s: a login was needed, after %+v, %v and then %s", way.name, r, err, next)
				}
			})
		}
	}
}
