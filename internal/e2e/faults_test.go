package e2e_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/sandbox"
)

// What an attempt needs cannot be read: nothing is sent and nothing spent, whatever
// the order of its steps.
func TestNothingIsSpentBeforeAllIsRead(t *testing.T) {
	t.Parallel()
	for operation, tries := range map[string]int{"GetSecretValue": 2 * 3, "DescribeSecret": 3} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, debug)
			c := w.credential(t, sandbox.Hesabe, defaultAccount, sandbox.Options{})
			c.seed(t, noLogin[sandbox.Hesabe])
			c.seedToken(t)
			f := c.start(t)
			f.want(t, f.tick, "refreshed")
			w.aws.Play(operation, slices.Repeat([]moto.Fault{moto.Refuse}, tries)...)
			f.want(t, c.force(), "transient")
			checkCalls(t, c, 0, 1)
			f.want(t, c.force(), "refreshed")
			checkCalls(t, c, 0, 2)
			c.checkLive(t)
			c.checkSound(t)
		})
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, life time.Duration) {
		c, f := w.loggedIn(t, provider, "limited")
		c.elapse(t, life-100*time.Second) // due; so that it may wait for what is asked
		c.sandbox.Inject(provider, sandbox.Refresh, 1, sandbox.RateLimit("90"))
		f.want(t, f.tick, "rate_limited")
		checkCalls(t, c, 1, 1)
		c.checkLive(t) // the old one is still good

		f.want(t, f.tick, "not_due") // not before 90 s have passed
		c.elapse(t, time.Minute)
		f.want(t, f.tick, "not_due")
		checkCalls(t, c, 1, 1)
		c.elapse(t, 31*time.Second)
		f.want(t, f.tick, "refreshed") // with the same token
		checkCalls(t, c, 1, 2)
		c.checkLive(t)
		stats := c.sandbox.Stats(provider)
		assert.Check(t, stats.Replays == 0, "%d replays", stats.Replays)
	})
}

func TestProviderDown(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "down")
		tokens, spent := c.current(t, "tokens"), c.ledger(t)["spent"]
		c.seed(t, map[string]any{"base_url": "http://" + deadAddress})
		f.want(t, c.force(), "transient")
		checkCalls(t, c, 1, 0)
		diff := cmp.Diff(tokens.id, c.current(t, "tokens").id)
		assert.Check(t, diff == "", "the chain was touched")
		after := c.ledger(t)["spent"]
		assert.Check(t, after == spent, "spent tokens: %q, before %q", after, spent)
		c.checkLive(t)

		c.seed(t, nil) // it is back
		f.want(t, c.force(), "refreshed")
		checkCalls(t, c, 1, 1)
		c.checkLive(t)
		c.checkSound(t)
	})
}

// deadAddress is one that nobody listens at. A port that was free a moment ago may be given to another
// test.
const deadAddress = "127.0.0.1:1"
