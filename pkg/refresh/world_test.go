package refresh_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// inBubble runs a test on a clock of its own: waits cost nothing.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

// tick is one run of a new process over all accounts; the result is the first one's.
func tick(w *rt.World, hook rt.Hook) refresh.Result {
	return run(w, hook, refresh.Request{})
}

// after is a tick after so long.
func after(w *rt.World, d time.Duration) refresh.Result {
	w.Advance(d)
	return tick(w, nil)
}

func run(w *rt.World, hook rt.Hook, req refresh.Request) refresh.Result {
	if req.RunID == "" {
		req.RunID = "run"
	}
	return w.Engine(hook).Run(context.Background(), req)[0]
}

// live is a world whose chain was made by a refresh and is due for the next.
func live(t *testing.T) *rt.World {
	t.Helper()
	w := rt.New()
	setupDue(w)
	assert.Equal(t, unhealthy(w), "")
	return w
}

func setupDue(w *rt.World) {
	w.Seed(rt.Default)
	tick(w, nil)
	w.Advance(12 * time.Minute)
}

// loginOff takes the login out of the credentials.
func loginOff(w *rt.World) {
	w.Secrets.Put(rt.Default, store.Credentials, w.Provider.CredentialsWithoutLogin())
}

// liveWithoutLogin is live, with credentials that can't log in.
func liveWithoutLogin(t *testing.T) *rt.World {
	t.Helper()
	return liveWith(t, false)
}

// liveWith is live, with a login or without one.
func liveWith(t *testing.T, login bool) *rt.World {
	t.Helper()
	w := live(t)
	if !login {
		loginOff(w)
	}
	return w
}

// at ends the calls from site with fault, from the nth to the last; last 0: for ever.
func at(site rt.Site, nth, last int, fault rt.Fault) rt.Hook {
	return func(c rt.Call) rt.Fault {
		if c.Site == site && c.Nth >= nth && (last == 0 || c.Nth <= last) {
			return fault
		}
		return rt.None
	}
}

// hooks ends a call in the first fault that one of several hooks has for it.
func hooks(all ...rt.Hook) rt.Hook {
	return func(c rt.Call) rt.Fault {
		for _, hook := range all {
			if fault := hook(c); fault != rt.None {
				return fault
			}
		}
		return rt.None
	}
}

// on does something right before the nth call from site; 0: before each.
func on(site rt.Site, nth int, do func()) rt.Hook {
	return func(c rt.Call) rt.Fault {
		if c.Site == site && (c.Nth == nth || nth == 0) {
			do()
		}
		return rt.None
	}
}

// takes is how long calls take: the nth call from site so long, 0: each, and others no time.
func takes(site rt.Site, nth int, d time.Duration) func(rt.Call) time.Duration {
	return func(c rt.Call) time.Duration {
		if c.Site == site && (c.Nth == nth || nth == 0) {
			return d
		}
		return 0
	}
}

var (
	readsTokens  = rt.Site{Op: rt.Current, Doc: store.TokensDoc}
	claims       = rt.Site{Op: rt.Write}
	sends        = rt.Site{Op: rt.Refresh}
	logins       = rt.Site{Op: rt.Login}
	stages       = rt.Site{Op: rt.Stage, Doc: store.TokensDoc}
	stagesAccess = rt.Site{Op: rt.Stage, Doc: store.AccessDoc}
	promotes     = rt.Site{Op: rt.Promote, Doc: store.TokensDoc}
)

var errPassing = errors.New("passing trouble")

// tokensDoc is a tokens or access document as a reader sees it.
type tokensDoc struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	AttemptID    string `json:"attempt_id"`
	Fence        int64  `json:"fence"`
}

func read(w *rt.World, doc store.Document) (tokensDoc, string) {
	v := w.Secrets.Get(rt.Default, doc)
	var d tokensDoc
	_ = json.Unmarshal([]byte(v.Value.Reveal()), &d) // a missing value reads as empty
	return d, v.ID
}

// chain is the tokens document that is current.
func chain(w *rt.World) tokensDoc {
	d, _ := read(w, store.TokensDoc)
	return d
}

// lasts is how long readers' access token still works; zero: it does not.
func lasts(w *rt.World) time.Duration {
	access, _ := read(w, store.AccessDoc)
	return w.Provider.Remaining(access.AccessToken)
}

func row(w *rt.World) store.Row { return w.Ledger.Get(rt.Default) }

// change edits the row as nobody should.
func change(w *rt.World, edit func(r *store.Row)) {
	r := row(w)
	edit(&r)
	w.Ledger.Set(r)
}

// kept is the row of the raw reply.
func kept(w *rt.World) store.Row { return w.Ledger.Get(store.ReplyKey(rt.Default)) }

func fingerprint(token string) string { return secret.New(token).Fingerprint() }

// unhealthy is what is wrong with the default credential; empty: nothing.
func unhealthy(w *rt.World) string {
	r := row(w)
	tokens, tokensID := read(w, store.TokensDoc)
	access, accessID := read(w, store.AccessDoc)
	switch {
	case r.Phase != store.Idle || r.State != store.OK:
		return fmt.Sprintf("the row is %s and %s", r.Phase, r.State)
	case r.Escrow.AttemptID != "":
		return "a reply is left in the escrow"
	case r.VersionID != tokensID || r.PublishedVersionID != accessID:
		return fmt.Sprintf("the row tells of versions %s and %s, the secrets have %s and %s",
			r.VersionID, r.PublishedVersionID, tokensID, accessID)
	case accessID != tokensID || access.AccessToken != tokens.AccessToken:
		return fmt.Sprintf("access %s does not follow tokens %s", accessID, tokensID)
	case !w.Provider.Accepts(access.AccessToken):
		return "readers have a dead access token"
	case !w.Provider.Live(tokens.RefreshToken):
		return "the refresh token is dead"
	}
	return ""
}

// wantTick runs a tick that must have this outcome.
func wantTick(t *testing.T, w *rt.World, hook rt.Hook, want outcome.Outcome) refresh.Result {
	t.Helper()
	return wantRun(t, w, hook, refresh.Request{}, want)
}

// wantAfter is wantTick after so long.
func wantAfter(t *testing.T, w *rt.World, d time.Duration, want outcome.Outcome) refresh.Result {
	t.Helper()
	w.Advance(d)
	return wantTick(t, w, nil, want)
}

// wantTicks runs so many ticks, a minute apart, that must have this outcome.
func wantTicks(t *testing.T, w *rt.World, n int, want outcome.Outcome) {
	t.Helper()
	for range n {
		wantTick(t, w, nil, want)
		w.Advance(time.Minute)
	}
}

// wantRun makes a run that must have this outcome.
func wantRun(t *testing.T, w *rt.World, hook rt.Hook, req refresh.Request, want outcome.Outcome) refresh.Result {
	t.Helper()
	got := run(w, hook, req)
	assert.Equal(t, got.Outcome, want, "%v", got.Err)
	return got
}

// wantPromises checks the promises that hold at any moment.
func wantPromises(t *testing.T, w *rt.World) {
	t.Helper()
	assert.Check(t, is.Equal(always(w), ""))
}

func wantHealthy(t *testing.T, w *rt.World) {
	t.Helper()
	assert.Check(t, is.Equal(unhealthy(w), ""))
	wantPromises(t, w)
}
