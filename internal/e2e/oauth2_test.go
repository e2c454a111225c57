package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenrefresh/internal/oauthservers"
	"tokenrefresh/internal/sandbox"
)

// Each account is a service of its own: one with a login, one that lives of its refresh tokens.
func TestOAuth2Accounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"OAuth2Accounts": "xero,hubspot-eu"})
	xero := w.credential(t, sandbox.OAuth2, "xero", sandbox.Options{})
	hubspot := w.credential(t, sandbox.OAuth2, "hubspot-eu", sandbox.Options{})
	f, g := xero.start(t), hubspot.start(t)
	f.wantCounts(t, `{}`, map[string]int{"not_seeded": 2})

	xero.seed(t, nil)
	hubspot.seed(t, map[string]any{"login_params": nil})
	hubspot.edit(t, "tokens", `{"refresh_token":"`+hubspot.sandbox.Issue(sandbox.OAuth2).RefreshToken+`"}`)
	f.wantCounts(t, `{}`, map[string]int{"logged_in": 1, "refreshed": 1})
	f.wantCounts(t, `{}`, map[string]int{"not_due": 2})
	for c, own := range map[*credential]*function{xero: f, hubspot: g} {
		c.checkLive(t)
		previous := c.current(t, "tokens")
		own.want(t, c.force(), "refreshed")
		checkRotated(t, c, previous)
		c.elapse(t, 30*time.Minute)
		own.want(t, own.tick, "refreshed")
		c.checkLive(t)
		c.checkSound(t)
	}
	checkCalls(t, xero, 1, 2)
	checkCalls(t, hubspot, 0, 3)

	// The server has acted, and the process dies before the reply.
	xero.whenActed(sandbox.Refresh, f.Kill)
	f.checkDied(t, xero.force())
	f.want(t, f.tick, "busy")
	xero.elapse(t, longestClaim)
	f.want(t, f.tick, "logged_in")
	xero.checkLive(t)
	xero.goesOn(t, f)
}

// The shipped binary against a server that others wrote, which takes each token once.
func TestOAuth2AtAServer(t *testing.T) {
	t.Parallel()
	server := oauthservers.OIDCProvider(t)
	client := server.Client(oauthservers.Basic)
	w := newWorld(t, map[string]string{"OAuth2Accounts": "service"})
	c := w.credential(t, sandbox.OAuth2, "service", sandbox.Options{})
	f := c.start(t)
	person := func() {
		t.Helper()
		c.edit(t, "tokens", `{"refresh_token":"`+server.Seed(t, client).Refresh+`"}`)
		f.want(t, f.tick, "refreshed")
	}
	waits := func(event string) {
		t.Helper()
		if fault := f.fail(t, event); !strings.Contains(fault.Message, "service: uncertain:") ||
			!strings.Contains(fault.Message, "tokenctl login --provider oauth2 --account service") {
			t.Fatalf("%v", fault)
		}
	}
	c.edit(t, "credentials", server.Credentials(t, client, map[string]any{"refresh_token_reuse": "never"}).Reveal())
	person()
	for range 3 {
		f.want(t, c.force(), "refreshed")
	}
	c.elapse(t, 30*time.Minute)
	f.want(t, f.tick, "refreshed")

	for _, fault := range []oauthservers.Fault{oauthservers.LoseReply, oauthservers.CutReply, oauthservers.FailAfter, oauthservers.FailBefore} {
		server.Play(fault)
		waits(c.force())
		waits(f.tick)
		person()
	}
	server.AtNextRefresh(nil, f.Kill)
	f.checkDied(t, c.force())
	c.elapse(t, longestClaim)
	waits(f.tick)
	person()
	server.AtNextRefresh(f.Kill, nil)
	f.checkDied(t, c.force())
	c.elapse(t, longestClaim)
	waits(f.tick)
	person()

	// It says what it made of a refresh: what it has not acted on heals by itself.
	c.edit(t, "credentials", server.Credentials(t, client, map[string]any{"introspection_url": server.Introspection()}).Reveal())
	server.Play(oauthservers.FailBefore)
	f.want(t, c.force(), "transient")
	c.elapse(t, longestClaim)
	f.want(t, f.tick, "refreshed")
	server.Play(oauthservers.LoseReply)
	f.want(t, c.force(), "transient")
	c.elapse(t, longestClaim)
	waits(f.tick)
	person()

	seen := server.Seen()
	want := oauthservers.Seen{Refreshes: seen.Refreshes, Asked: seen.Asked, Repeated: 1} // which it had not acted on
	if diff := cmp.Diff(want, seen); diff != "" || seen.Refreshes < 15 {
		t.Errorf("%d refreshes (-want +got):\n%s", seen.Refreshes, diff)
	}
}
