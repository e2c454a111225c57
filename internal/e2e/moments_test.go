package e2e_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// The process dies around a call to the provider: before it acts, after it has, with
// the reply in hand, and with the reply in one of the places where it is kept.
func TestKilledAroundTheProviderCall(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, nil)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "around")
		for _, moment := range []struct {
			name string
			plan func(*testing.T)
			next string
		}{
			{"refresh asked", func(t *testing.T) { c.killWhenAsked(t, f, sandbox.Refresh) }, "logged_in"},
			{"refresh acted", func(*testing.T) { c.whenActed(sandbox.Refresh, f.Kill) }, "logged_in"},
			{"reply in hand", func(*testing.T) { f.wire.expectFrom(unsent.mishap(f), keeping...) }, "logged_in"},
			{"kept in tokens", func(*testing.T) { f.killKeeping("tokens") }, "recovered"},
			{"kept in access", func(*testing.T) { f.killKeeping("access") }, "logged_in"}, // it is not the chain
			{"kept in the escrow", func(*testing.T) { f.killKeeping("escrow") }, "recovered"},
			{"login asked", func(t *testing.T) {
				c.revoke(t)
				c.killWhenAsked(t, f, sandbox.Login)
			}, "logged_in"},
			{"login acted", func(t *testing.T) {
				c.revoke(t)
				c.whenActed(sandbox.Login, f.Kill)
			}, "logged_in"},
		} {
			t.Run(moment.name, func(t *testing.T) {
				moment.plan(t)
				f.checkDied(t, c.force())
				f.wire.clear()
				c.elapse(t, longestClaim)
				f.want(t, f.tick, moment.next)
				c.checkLive(t)
				c.checkSound(t)
			})
		}
		c.goesOn(t, f)
	})
}

// keeping are the calls that keep a reply, all at once.
var keeping = []string{"PutSecretValue 1", "PutSecretValue 2", "UpdateItem 2"}

// killWhenAsked kills the function when its next such call has reached the provider,
// which doesn't act upon it.
func (c *credential) killWhenAsked(t *testing.T, f *function, op sandbox.Op) {
	t.Helper()
	gate := sandbox.NewGate()
	c.sandbox.Inject(c.provider, op, 1, sandbox.Hold(gate))
	ctx := t.Context()
	go func() {
		if gate.Await(ctx, 1) == nil {
			f.Kill()
		}
	}()
}

// killKeeping kills the function after a provider's reply, when one of the places
// where it is kept has it ("tokens", "access", "escrow") and the others don't.
func (f *function) killKeeping(place string) {
	gone := make(chan struct{})
	replied := false
	f.wire.expectAll(func(c call) mishap {
		escrow := c.name == "UpdateItem 2" // the first is the claim
		put := c.operation == "PutSecretValue"
		replied = replied || escrow || put
		switch {
		case !replied:
			return nil
		case escrow && place == "escrow" || put && place == c.document:
			return func(do carry) *httptest.ResponseRecorder {
				defer close(gone)
				return done.mishap(f)(do)
			}
		}
		return func(carry) *httptest.ResponseRecorder {
			<-gone
			return nil
		}
	})
}

// revoke makes the provider refuse the chain's refresh token.
func (c *credential) revoke(t *testing.T) {
	t.Helper()
	assert.Assert(t, c.sandbox.Revoke(c.provider, c.current(t, "tokens").fields["refresh_token"]),
		"the provider doesn't know the stored token")
}

// moments is at how many moments of an attempt TestKilledAtAnyMoment kills.
const moments = 6

// The process is killed by the clock, wherever it is by then: between calls, in the
// middle of one, before it begins, or after it has answered.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, nil)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "moments")
		f.killOverTime(t, c.force(), func() { _ = c.heals(t, f) })
		c.goesOn(t, f)
	})
	t.Run(string(sandbox.Berbix), func(t *testing.T) {
		t.Parallel()
		c, f, rows := w.sweeper(t, "moments", 1)
		f.killOverTime(t, c.force(), func() {
			c.elapse(t, longestClaim)
			c.sweeps(t, f, rows)
		})
	})
}

// killOverTime runs an event, and then again and again with a kill that comes later
// each time, each followed by healed.
func (f *function) killOverTime(t *testing.T, event string, healed func()) {
	t.Helper()
	began := time.Now()
	f.run(t, event)
	took := time.Since(began)
	died := 0
	for n := range moments {
		timer := time.AfterFunc(took*time.Duration(n)/moments, f.Kill)
		if _, err := f.try(t.Context(), event); err != nil {
			died++
		}
		timer.Stop()
		f.wire.clear()
		healed()
	}
	t.Logf("an undisturbed run took %s; killed in %d of %d", took, died, moments)
}
