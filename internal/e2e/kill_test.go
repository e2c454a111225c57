package e2e_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenrefresh/internal/sandbox"
)

// death is a way in which the function's process dies while it calls AWS.
type death struct {
	name   string
	mishap func(f *function) mishap
}

var (
	// done: AWS has done it, and nobody hears.
	done = death{"done", func(f *function) mishap {
		return func(do carry) *httptest.ResponseRecorder {
			do()
			f.Kill()
			return nil
		}
	}}
	// late: the call is on its way. AWS does it long after (wire.deliver).
	late = death{"late", func(f *function) mishap {
		return func(do carry) *httptest.ResponseRecorder {
			f.wire.park(do)
			f.Kill()
			return nil
		}
	}}
)

// An attempt may die at any of its calls to AWS: three ticks later the credential is
// healthy, and nothing was presented twice. But for first logins it is one
// credential that lives through it all.
func TestKilledAtEachCallToAWS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, a := range []attempt{
		{name: "login", provider: sandbox.Hesabe, first: true, deaths: []death{done, late}},
		{name: "refresh", provider: sandbox.Hesabe, deaths: []death{done, late}},
		// A refresh whose reply is lost, and the login after it.
		{name: "lost", provider: sandbox.Hesabe, faults: []sandbox.Fault{sandbox.LoseReply()}, deaths: []death{done, late}},
		// The engine is the same for all providers, and so not each death is died with each.
		{name: "tconnect", provider: sandbox.TConnect, deaths: []death{done}},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			c, f := a.prepare(t, w, a.name)
			calls := a.calls(t, c, f)
			if len(a.faults) > 0 {
				calls = calls[slices.Index(calls, "UpdateItem 1")+1:] // up to the claim it is any refresh
			}
			for _, call := range calls {
				for _, death := range a.deaths {
					if death.name == late.name && isRead(call) {
						continue // it changes nothing
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
	deaths   []death
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
	return slices.Contains([]string{"GetItem", "GetSecretValue", "DescribeSecret"}, operation)
}

// The provider has acted, and the process dies before the reply.
func TestKilledBeforeTheReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for provider := range chained {
		t.Run(string(provider), func(t *testing.T) {
			t.Parallel()
			c, f := w.loggedIn(t, provider, defaultAccount)
			c.killWhenActed(f)
			f.checkDied(t, c.force())
			checkCalls(t, c, 1, 1)

			f.want(t, f.tick, "busy") // the claim lives
			f.want(t, c.force(), "busy")
			c.elapse(t, time.Minute)
			f.want(t, f.tick, "busy")
			c.elapse(t, time.Minute)
			f.want(t, c.dryRun(), "would_recover")
			f.want(t, f.tick, "logged_in")
			checkCalls(t, c, 2, 1)
			c.checkLive(t)
			c.goesOn(t, f)
		})
	}
}
