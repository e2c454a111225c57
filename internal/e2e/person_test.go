package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/sandbox"
)

// noLogin takes the login out of a provider's credentials.
var noLogin = map[sandbox.Provider]map[string]any{
	sandbox.Hesabe:   {"username": nil, "password": nil},
	sandbox.TConnect: {"username": nil, "password": nil, "client_id": nil, "client_secret": nil},
}

// Without a login the function says each minute what it waits for, calls nobody, and
// goes on as soon as a person has put a new refresh token into the secret.
func TestChainThatNeedsAPerson(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	for provider := range chained {
		for outcome, spoil := range map[string]func(*testing.T, *credential){
			"uncertain": func(_ *testing.T, c *credential) {
				c.sandbox.Inject(provider, sandbox.Refresh, 1, sandbox.LoseReply())
			},
			"dead": func(t *testing.T, c *credential) {
				c.sandbox.Revoke(provider, c.current(t, "tokens").fields["refresh_token"])
			},
		} {
			t.Run(fmt.Sprintf("%s %s", provider, outcome), func(t *testing.T) {
				t.Parallel()
				c := w.credential(t, provider, outcome, sandbox.Options{})
				f := c.start(t)
				c.seed(t, noLogin[provider])
				f.want(t, f.tick, "not_seeded") // there is nothing to refresh yet
				c.seedToken(t)
				f.want(t, f.tick, "refreshed")
				c.checkLive(t)

				spoil(t, c)
				f.checkNeedsPerson(t, c.force(), outcome)
				checkCalls(t, c, 0, 2)
				for range 2 {
					f.checkNeedsPerson(t, f.tick, outcome)
					c.elapse(t, longestClaim)
				}
				// Credentials that were touched are no reason to present the token again.
				c.seed(t, noLogin[provider])
				f.checkNeedsPerson(t, f.tick, outcome)
				checkCalls(t, c, 0, 2)

				c.seedToken(t)
				f.want(t, f.tick, "refreshed")
				checkCalls(t, c, 0, 3)
				c.checkLive(t)
				spoil(t, c)
				f.checkNeedsPerson(t, c.force(), outcome)
				c.seed(t, nil) // with a login
				f.want(t, f.tick, "logged_in")
				checkCalls(t, c, 1, 4)
				c.checkLive(t)
				c.goesOn(t, f)
			})
		}
	}
}

// A wrong password is tried once, not each minute, and again once it is corrected.
func TestLoginThatIsRefused(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c := w.credential(t, provider, "password", sandbox.Options{})
		f := c.start(t)
		c.seed(t, map[string]any{"password": "not-the-password"})
		f.checkNeedsPerson(t, f.tick, "misconfigured")
		checkCalls(t, c, 1, 0)
		f.checkNeedsPerson(t, f.tick, "misconfigured")
		checkCalls(t, c, 1, 0)
		c.seed(t, nil)
		f.want(t, f.tick, "logged_in")
		c.checkLive(t)
	})
}

// A secret that isn't there is a person's to make, which is something else than one
// that waits for its value.
func TestMissingSecret(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "somebody")
		fault := f.fail(t, `{"account":"nobody"}`)
		name := strings.Replace(c.secret("credentials"), "somebody", "nobody", 1)
		for _, text := range []string{"nobody: misconfigured", name, "does not exist"} {
			assert.Check(t, strings.Contains(fault.Message, text),
				"%q is not in the function error: %s", text, fault.Message)
		}
		f.want(t, f.tick, "not_due")
	})
}

// A pause keeps from calls to the provider. What an attempt before it has left is
// finished all the same.
func TestPause(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, life time.Duration) {
		c, f := w.loggedIn(t, provider, "paused")
		f.want(t, c.force(), "refreshed")
		f.wire.expect("UpdateSecretVersionStage 1", late.mishap(f))
		f.checkDied(t, c.force())
		f.wire.clear()
		c.pause(t, true)
		c.elapse(t, life)
		f.want(t, f.tick, "recovered")
		c.checkLive(t)
		c.elapse(t, life)
		f.want(t, f.tick, "paused")
		f.want(t, c.force(), "paused")
		checkCalls(t, c, 1, 2)
		c.pause(t, false)
		f.want(t, f.tick, "refreshed")
		checkCalls(t, c, 1, 3)
		c.checkLive(t)
		c.checkSound(t)
	})
}

// A person who edits tokens while a refresh is under way wins.
func TestPersonIsFaster(t *testing.T) {
	t.Parallel()
	w := sharedWorld(t, debug)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, _ time.Duration) {
		c, f := w.loggedIn(t, provider, "edited")
		gate := sandbox.NewGate()
		c.sandbox.Inject(provider, sandbox.Refresh, 1, sandbox.Hold(gate))
		ended := c.race(t, []*function{f})
		assert.NilError(t, gate.Await(t.Context(), 1))
		c.seedToken(t)
		theirs := c.current(t, "tokens")
		gate.Release()
		got := <-ended
		assert.Assert(t, got == "superseded", "%s, want superseded", got)
		assert.Check(t, c.current(t, "tokens").id == theirs.id, "the person's version is not current any more")
		f.want(t, f.tick, "refreshed")
		presented := c.sandbox.Stats(provider).Presented
		assert.Check(t, presented[len(presented)-1] == theirs.fields["refresh_token"],
			"it was not the person's token that was refreshed")
		c.checkLive(t)
		c.goesOn(t, f)
	})
}

// seedToken puts a refresh token into tokens and nothing else, as a person may.
func (c *credential) seedToken(t *testing.T) {
	t.Helper()
	c.edit(t, "tokens", fmt.Sprintf(`{"refresh_token":%q}`, c.sandbox.Issue(c.provider).RefreshToken))
}

// checkNeedsPerson runs an event that ends in a function error with that outcome,
// which names the account and the secret to put something into.
func (f *function) checkNeedsPerson(t *testing.T, event, outcome string) {
	t.Helper()
	fault := f.fail(t, event)
	for _, text := range []string{f.account + ": " + outcome, "credentials"} {
		assert.Check(t, strings.Contains(fault.Message, text),
			"%q is not in the function error: %s", text, fault.Message)
	}
}
