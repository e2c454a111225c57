package e2e_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tokenrefresh/internal/sandbox"
)

// An attempt may die at any of its calls to AWS: three ticks later the credential is
// healthy, and nothing was presented twice. But for first logins it is one
// credential that lives through it all.
func TestKilledAtEachCallToAWS(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, nil)
	for _, a := range []attempt{
		{name: "login", provider: sandbox.Hesabe, first: true, inTurn: true},
		{name: "refresh", provider: sandbox.Hesabe},
		// A refresh whose reply is lost, and the login after it.
		{name: "lost", provider: sandbox.Hesabe, faults: []sandbox.Fault{sandbox.LoseReply()}, inTurn: true},
		// The engine is the same for all providers, and so not each death is died with each.
		{name: "tconnect", provider: sandbox.TConnect, inTurn: true},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			c, f := a.prepare(t, w, a.name)
			calls := a.calls(t, c, f)
			if len(a.faults) > 0 {
				calls = calls[slices.Index(calls, "UpdateItem 1")+1:] // up to the claim it is any refresh
			}
			for i, call := range calls {
				for n, death := range []death{done, late} {
					if a.inTurn && n != i%2 || death.name == late.name && isRead(call) {
						continue // a read changes nothing
					}
					t.Run(call+" "+death.name, func(t *testing.T) {
						c, f := c, f
						if a.first {
							c, f = a.prepare(t, w, strings.ReplaceAll(call+" "+death.name, " ", "-"))
						}
						c.sandbox.Clear(a.provider)
						c.sandbox.Inject(a.provider, sandbox.Refresh, 1, a.faults...)
						f.wire.expect(call, death.mishap(f))
						f.checkDied(t, c.force())
						f.wire.clear()
						c.heals(t, f)
						if f.wire.deliver() > 0 {
							c.heals(t, f)
						}
					})
				}
			}
			c.sandbox.Clear(a.provider)
			c.goesOn(t, f)
		})
	}
}

// attempt is one way in which the engine works on a credential, and how it dies in it.
type attempt struct {
	name     string
	provider sandbox.Provider
	first    bool            // the credential has never logged in
	faults   []sandbox.Fault // befall the refresh
	inTurn   bool            // it dies once at each call, in one way or the other
}

// prepare makes a credential and brings it to where the attempt begins.
func (a attempt) prepare(t *testing.T, w *world, account string) (*credential, *function) {
	t.Helper()
	if !a.first {
		return w.loggedIn(t, a.provider, account)
	}
	c := w.credential(t, a.provider, account, sandbox.Options{})
	c.seed(t, nil)
	return c, c.start(t)
}

// calls makes the attempt undisturbed and returns its calls to AWS.
func (a attempt) calls(t *testing.T, c *credential, f *function) []string {
	t.Helper()
	c.sandbox.Inject(a.provider, sandbox.Refresh, 1, a.faults...)
	return c.forceCalls(t, f)
}

func isRead(call string) bool {
	operation, _, _ := strings.Cut(call, " ")
	return slices.Contains([]string{"BatchGetItem", "GetItem", "GetSecretValue", "DescribeSecret"}, operation)
}

// The provider has acted, and the process dies before the reply.
func TestKilledBeforeTheReply(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, nil)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "acted")
		c.whenActed(sandbox.Refresh, f.Kill)
		f.checkDied(t, c.force())
		checkCalls(t, c, 1, 1)

		f.want(t, f.tick, "busy") // the claim lives
		f.want(t, c.force(), "busy")
		c.elapse(t, 30*time.Second)
		f.want(t, f.tick, "busy")
		c.elapse(t, longestClaim)
		f.want(t, c.dryRun(), "would_recover")
		f.want(t, f.tick, "logged_in")
		checkCalls(t, c, 2, 1)
		c.checkLive(t)
		c.goesOn(t, f)
	})
}
