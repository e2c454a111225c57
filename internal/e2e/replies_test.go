package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// broken are replies that are lost or cannot be read. The provider has acted.
var broken = map[string]sandbox.Fault{
	"lost":      sandbox.LoseReply(),
	"truncated": sandbox.Truncate(),
	"gateway":   sandbox.HTML(502).AfterActing(),
	"page":      sandbox.HTML(200).AfterActing(),
	"failed":    sandbox.Status(500).AfterActing(),
	"garbage":   sandbox.Garbage(),
	"bomb":      sandbox.GzipBomb(),
}

func TestBrokenReplyEndsInALogin(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "broken")
		for name, fault := range broken {
			logins, refreshes := c.calls()
			c.sandbox.Inject(provider, sandbox.Refresh, 1, fault)
			got := f.outcome(t, c.force())
			assert.Assert(t, got == "logged_in", "%s: %s", name, got)
			checkCalls(t, c, logins+1, refreshes+1)
			c.checkLive(t)
			c.checkSound(t)
		}
		c.goesOn(t, f)
	})
}

// The login that heals a chain may break as well. It presents no refresh token, and
// is tried again.
func TestBrokenLogin(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, life time.Duration) {
		c, f := w.loggedIn(t, provider, "broken-login")
		for _, name := range []string{"lost", "truncated", "page"} {
			c.revoke(t)
			c.elapse(t, life)
			c.sandbox.Inject(provider, sandbox.Login, 1, broken[name])
			got := f.outcome(t, f.tick)
			assert.Assert(t, got == "transient", "%s: %s", name, got)
			c.heals(t, f)
		}
		c.goesOn(t, f)
	})
}

// A refresh before its time whose reply is lost, and the login after it: nobody has
// an access token then, and the login is tried again at once, not when the refresh
// would have been due.
func TestForcedRefreshAndItsLoginAreLost(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "all-lost")
		c.sandbox.Inject(provider, sandbox.Any, 2, sandbox.LoseReply())
		f.want(t, c.force(), "transient")
		c.elapse(t, longestClaim)
		f.want(t, f.tick, "logged_in")
		c.checkLive(t)
		c.goesOn(t, f)
	})
}

// Berbix is asked again in the same run.
func TestBerbixBrokenReplies(t *testing.T) {
	t.Parallel()
	c, f, rows := sharedWorld(t, debug).sweeper(t, "broken", 1)
	for _, fault := range broken {
		_, before := c.calls()
		c.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 1, fault)
		c.sweeps(t, f, rows)
		checkCalls(t, c, 0, before+len(rows)+1)
	}
}

func TestRefusedTokenEndsInALogin(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "revoked")
		c.revoke(t)
		f.want(t, c.force(), "logged_in")
		checkCalls(t, c, 2, 1)
		c.checkLive(t)
		c.goesOn(t, f)
	})
}

// A provider that never answers is given up in time to end the attempt in order.
func TestProviderHangs(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	for provider, life := range chained {
		for op, want := range map[sandbox.Op]string{sandbox.Refresh: "logged_in", sandbox.Login: "transient"} {
			t.Run(fmt.Sprintf("%s %s", provider, op), func(t *testing.T) {
				t.Parallel()
				c, f := w.loggedIn(t, provider, "hangs-"+string(op))
				if op == sandbox.Login {
					c.revoke(t)
				}
				c.elapse(t, life)
				c.sandbox.Inject(provider, op, 1, sandbox.Hold(sandbox.NewGate()))
				ended := c.race(t, []*function{f})
				got := <-ended
				assert.Assert(t, got == want, "%s, want %s", got, want)
				c.heals(t, f)
				c.goesOn(t, f)
			})
		}
	}
}
