package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/sandbox"
)

// chained are the providers with refresh tokens that rotate, and how long their
// access tokens live.
var chained = map[sandbox.Provider]time.Duration{
	sandbox.Hesabe:   900 * time.Second,
	sandbox.TConnect: 36000 * time.Second,
}

// eachChain runs a test for each of them, as parallel subtests.
func eachChain(t *testing.T, test func(t *testing.T, provider sandbox.Provider, life time.Duration)) {
	t.Helper()
	for provider, life := range chained {
		t.Run(string(provider), func(t *testing.T) {
			t.Parallel()
			test(t, provider, life)
		})
	}
}

func TestFromDeploymentOnwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	eachChain(t, func(t *testing.T, provider sandbox.Provider, life time.Duration) {
		c := w.credential(t, provider, defaultAccount, sandbox.Options{})
		f := c.start(t)

		f.want(t, f.tick, "not_seeded") // the template's placeholder
		c.seed(t, nil)

		r := f.run(t, f.tick)
		diff := cmp.Diff(map[string]int{"logged_in": 1}, r.Outcomes)
		assert.Assert(t, diff == "", "first tick (-want +got):\n%s%s", diff, f.Logs())
		checkExpiry(t, r.Credentials[0].AccessExpiresAt, life)
		if got := c.current(t, "tokens").id; r.Credentials[0].VersionID != got {
			t.Errorf("version_id is %s, tokens is at %s", r.Credentials[0].VersionID, got)
		}
		got := c.current(t, "tokens").fields["source"]
		assert.Check(t, got == "login", "source of the chain: %q", got)
		c.checkLive(t)

		f.wire.clear()
		f.want(t, f.tick, "not_due")
		assert.Check(t, is.DeepEqual(f.wire.clear(), []string{"Query 1"}), "calls of a tick with nothing due")
		checkCalls(t, c, 1, 0)

		before := c.current(t, "tokens").id
		f.want(t, c.dryRun(), "not_due")
		f.want(t, c.event(`,"force":true,"dry_run":true`), "would_refresh")
		checkCalls(t, c, 1, 0)
		after := c.current(t, "tokens").id
		assert.Check(t, after == before, "a dry run has changed the chain")

		for i := range 3 {
			previous := c.current(t, "tokens")
			f.want(t, c.force(), "refreshed")
			c.checkLive(t)
			checkRotated(t, c, previous)
			checkCalls(t, c, 1, i+1)
		}
		c.elapse(t, life) // all of it: the next tick is due
		previous := c.current(t, "tokens")
		f.want(t, f.tick, "refreshed")
		checkRotated(t, c, previous)
		c.checkLive(t)
		f.want(t, f.tick, "not_due")
		c.checkSound(t)
	})
}

// One account's trouble is no other's.
func TestAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"Accounts": "default,second"})
	first := w.credential(t, sandbox.Hesabe, defaultAccount, sandbox.Options{})
	second := w.credential(t, sandbox.Hesabe, "second", sandbox.Options{})
	f := first.start(t)
	first.seed(t, nil)
	f.wantCounts(t, f.tick, map[string]int{"logged_in": 1, "not_seeded": 1})
	first.checkLive(t)

	second.seed(t, map[string]any{"password": "not-the-password"})
	f.wantCounts(t, `{"force":true}`, map[string]int{"refreshed": 1, "misconfigured": 1})
	first.checkLive(t)
	checkCalls(t, first, 1, 1)

	second.seed(t, nil)
	r := f.wantCounts(t, f.tick, map[string]int{"not_due": 1, "logged_in": 1})
	assert.Check(t, r.Credentials[0].Account == "default" && r.Credentials[1].Account == "second",
		"not in order of account: %+v", r.Credentials)
	second.checkLive(t)
	second.heard.listen(f.Logs)
}

func checkExpiry(t *testing.T, text string, life time.Duration) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	assert.Assert(t, err == nil && strings.HasSuffix(text, "Z"), "access_expires_at is %q", text)
	left := time.Until(at)
	assert.Check(t, left <= life && left >= life-30*time.Second, "access_expires_at leaves %s of %s", left, life)
}

func checkCalls(t *testing.T, c *credential, logins, refreshes int) {
	t.Helper()
	if l, r := c.calls(); l != logins || r != refreshes {
		t.Fatalf("%s saw %d logins and %d refreshes, want %d and %d", c.provider, l, r, logins, refreshes)
	}
}

// checkRotated checks that one refresh lies between previous and now.
func checkRotated(t *testing.T, c *credential, previous version) {
	t.Helper()
	now := c.current(t, "tokens")
	if now.id == previous.id || now.fields["refresh_token"] == previous.fields["refresh_token"] ||
		now.fields["access_token"] == previous.fields["access_token"] {
		t.Error("the chain has not rotated")
	}
	if now.fields["source"] != "refresh" {
		t.Errorf("source of the chain: %q", now.fields["source"])
	}
	for _, document := range []string{"tokens", "access"} {
		current := c.labelled(t, document, "AWSCURRENT")
		assert.Check(t, current == now.id, "%s: AWSCURRENT is on %s, want %s", document, current, now.id)
		before := c.labelled(t, document, "AWSPREVIOUS")
		assert.Check(t, before == previous.id, "%s: AWSPREVIOUS is on %s, want %s", document, before, previous.id)
	}
}
