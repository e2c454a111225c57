package refresh_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// While neither store takes the reply, the run tries until its end: the reply may be the only copy
// of the next refresh token.
func TestReplyWaitsForAStore(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]struct {
		sites []rt.Site
		back  time.Duration
		want  outcome.Outcome
	}{
		"tokens, for longer than its budget":  {[]rt.Site{stages}, 20 * time.Second, outcome.PersistFailed}, // the escrow has it
		"both, for longer than their budget":  {[]rt.Site{stages, claims}, 20 * time.Second, outcome.Refreshed},
		"both, until the run has to end":      {[]rt.Site{stages, claims}, 50 * time.Second, outcome.Refreshed},
		"both and access":                     {[]rt.Site{stages, claims, stagesAccess}, 30 * time.Second, outcome.Refreshed},
		"both, for longer than the run lasts": {[]rt.Site{stages, claims}, 5 * time.Minute, outcome.PersistFailed},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			var acted time.Time
			w.Provider.OnCall = func(rt.Op) { acted = time.Now() }
			began := time.Now()
			got := tick(w, func(c rt.Call) rt.Fault {
				for _, site := range down.sites {
					if c.Site == site && !acted.IsZero() && time.Since(acted) < down.back {
						return rt.FailBefore
					}
				}
				return rt.None
			})
			assert.Equal(t, got.Outcome, down.want, "%v", got.Err)
			assert.Check(t, time.Since(began) <= 70*time.Second)
			if down.want == outcome.Refreshed {
				wantHealthy(t, w)
			}
		})
	}
	inBubble(t, "it comes after the run, while the claim lasts", func(t *testing.T) {
		w := liveWithoutLogin(t)
		w.Flows = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		engine := w.Engine(on(sends, 0, func() { time.Sleep(70 * time.Second) }))
		got := engine.Run(ctx, refresh.Request{RunID: "run"})[0]
		assert.Equal(t, got.Outcome, outcome.Refreshed, "%v", got.Err)
		assert.Check(t, ctx.Err() != nil)
		wantHealthy(t, w)
	})
}

// A person's edit that keeps the presented refresh token is no new chain: the reply replaces it. An
// edit with another token stands.
func TestEditThatKeepsTheToken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(w *rt.World, old string)
		want outcome.Outcome
	}{
		"a note":   {func(w *rt.World, old string) { tokens(strings.Replace(old, "{", `{"note":"ours",`, 1))(w) }, outcome.Refreshed},
		"a seed":   {func(w *rt.World, _ string) { w.Seed(rt.Default) }, outcome.Superseded},
		"no token": {func(w *rt.World, _ string) { tokens(`{"note":"ours"}`)(w) }, outcome.Superseded},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := liveWithoutLogin(t)
			w.Provider.OnCall = func(rt.Op) {
				tt.edit(w, w.Secrets.Get(rt.Default, store.TokensDoc).Value.Reveal())
			}
			wantTick(t, w, nil, tt.want)
			if tt.want == outcome.Refreshed {
				wantHealthy(t, w)
			}
		})
	}
}
