package e2e_test

import (
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// some are enough here: how each is judged, the clients' tests show.
func some(t *testing.T, faults map[string]sandbox.Fault, names ...string) map[string]sandbox.Fault {
	t.Helper()
	chosen := map[string]sandbox.Fault{}
	for _, name := range names {
		fault, ok := faults[name]
		assert.Assert(t, ok, "there is no %q", name)
		chosen[name] = fault
	}
	return chosen
}

// A reply is a reply: what is odd around tokens costs none of them.
func TestOddReplies(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "odd")
		for name, fault := range some(t, sandbox.OddReplies(), "gzip said of plain", "gzip twice", "ISO-8859-1", "UTF-16", "longer than it says") {
			c.sandbox.Inject(provider, sandbox.Refresh, 1, fault)
			got := f.outcome(t, c.force())
			assert.Assert(t, got == "refreshed", "%s: %s\n%s", name, got, f.Logs())
			c.checkLive(t)
			c.checkSound(t)
		}
		logins, _ := c.calls()
		assert.Check(t, logins == 1, "%d logins", logins)
		c.goesOn(t, f)
	})
}

// What stands before a provider says nothing of a token: the chain lives, nobody logs in,
// and the same token is good when it is over.
func TestGateways(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "gateway")
		for name, fault := range some(t, sandbox.Gateways(), "kong", "firewall", "status 421", "redirect") {
			c.sandbox.Inject(provider, sandbox.Any, 0, fault)
			logins, refreshes := c.calls()
			fault := f.fail(t, c.force())
			assert.Check(t, strings.Contains(fault.Message, "misconfigured"), "%s: %s", name, fault.Message)
			c.sandbox.Clear(provider)
			if l, r := c.calls(); l != logins || r != refreshes+1 {
				t.Fatalf("%s: %d logins and %d refreshes", name, l-logins, r-refreshes)
			}
			f.want(t, c.force(), "refreshed")
			c.checkLive(t)
			c.checkSound(t)
		}
		c.goesOn(t, f)
	})
}

// No transaction dies of a gateway's answers.
func TestBerbixBehindAGateway(t *testing.T) {
	t.Parallel()
	c, f, rows := sharedWorld(t, debug).sweeper(t, "gateway", 3)
	for name, fault := range some(t, sandbox.Gateways(), "kong", "firewall", "status 421", "redirect") {
		c.sandbox.Inject(sandbox.Berbix, sandbox.Refresh, 0, fault)
		_, _ = f.try(t.Context(), c.force()) // however it ends
		c.sandbox.Clear(sandbox.Berbix)
		for _, x := range rows {
			if r := c.transaction(t, x.ID); r["status"] != "active" {
				t.Fatalf("%s: transaction %d is %s", name, x.ID, r["status"])
			}
		}
		c.sweeps(t, f, rows)
	}
}

// The presented token is spent although the new one cannot be read: it never comes again.
func TestUnreadableRefreshToken(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, life time.Duration) {
		c, f := w.loggedIn(t, provider, "unreadable")
		for name, fault := range some(t, sandbox.UnreadableRefreshTokens(), "a number", "an object", "in camel case") {
			presented := c.current(t, "tokens").fields["refresh_token"]
			c.sandbox.Inject(provider, sandbox.Refresh, 1, fault)
			f.run(t, c.force())
			c.elapse(t, life) // for an engine that serves the access token as long as it lives
			f.run(t, f.tick)
			n := c.sandbox.Presentations(provider)[presented]
			assert.Assert(t, n == 1, "%s: the spent token came %d times", name, n)
			refresh := c.current(t, "tokens").fields["refresh_token"]
			assert.Assert(t, refresh != "" && refresh != presented, "%s: there is no new chain", name)
			c.checkLive(t)
			c.checkSound(t)
		}
		c.goesOn(t, f)
	})
}
