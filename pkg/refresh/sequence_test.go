package refresh_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/outcome"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/store"
)

// steps are the calls of a run, grouped by the moment of their beginning.
func steps(calls []rt.Call) [][]string {
	var all [][]string
	var began time.Time
	for _, c := range calls {
		if len(all) == 0 || !c.Began.Equal(began) {
			all, began = append(all, nil), c.Began
		}
		all[len(all)-1] = append(all[len(all)-1], c.Site.String())
	}
	for _, step := range all {
		slices.Sort(step)
	}
	return all
}

// Sequential round trips are what a run costs: seven of them for a refresh.
func TestSteps(t *testing.T) {
	t.Parallel()
	const roundTrip = 20 * time.Millisecond
	reads := []string{"Current(credentials)", "Current(tokens)", "CurrentID(access)"}
	claim := []string{"Write"}
	keeps := []string{"Stage(access)", "Stage(tokens)", "Write"}
	promotes := []string{"Promote(access)", "Promote(tokens)"}
	for name, tt := range map[string]struct {
		world func(t *testing.T) *rt.World
		want  outcome.Outcome
		steps [][]string
	}{
		"a refresh": {
			live, outcome.Refreshed,
			[][]string{{"Rows"}, reads, claim, {"Refresh"}, keeps, promotes, {"Write"}},
		},
		"a first login: the first versions are current by themselves": {
			func(*testing.T) *rt.World { return rt.New() }, outcome.LoggedIn,
			[][]string{{"Rows"}, reads, {"CurrentID(tokens)"}, claim, {"Login"}, keeps, {"Write"}},
		},
		"not due: one call and nothing else": {
			func(*testing.T) *rt.World {
				w := rt.New()
				tick(w, nil)
				return w
			}, outcome.NotDue,
			[][]string{{"Rows"}},
		},
		"somebody holds the claim": {
			func(t *testing.T) *rt.World {
				t.Helper()
				w := live(t)
				tick(w, at(sends, 1, 0, rt.DieBefore))
				return w
			}, outcome.Busy,
			[][]string{{"Rows"}},
		},
		"paused": {
			func(t *testing.T) *rt.World {
				t.Helper()
				w := live(t)
				w.Ledger.Pause(rt.Default, true)
				return w
			}, outcome.Paused,
			[][]string{{"Rows"}},
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := tt.world(t)
			w.Trace()
			w.Latency = func(rt.Call) time.Duration { return roundTrip }
			began := time.Now()
			wantTick(t, w, nil, tt.want)
			assert.DeepEqual(t, tt.steps, steps(w.Trace()))
			assert.Equal(t, time.Since(began), time.Duration(len(tt.steps))*roundTrip)
		})
	}
}

// One attempt id is the claim's owner and the version of both secrets.
func TestAttemptID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := live(t)
		before := row(w)
		result := tick(w, nil)
		after := row(w)
		_, tokens := read(w, store.TokensDoc)
		_, access := read(w, store.AccessDoc)
		for what, id := range map[string]string{
			"version of tokens": tokens, "version of access": access, "attempt_id in tokens": chain(w).AttemptID,
			"row's version": after.VersionID, "row's published version": after.PublishedVersionID,
			"result's version": result.VersionID, "result's attempt": result.AttemptID,
		} {
			if id != after.AttemptID || id == before.AttemptID || id == "" {
				t.Errorf("%s is %q, want the id of the attempt %q", what, id, after.AttemptID)
			}
		}
		assert.Equal(t, after.Fence, before.Fence+1)
		assert.Equal(t, after.BaseVersionID, before.VersionID)
		for _, doc := range []store.Document{store.TokensDoc, store.AccessDoc} {
			n := len(w.Secrets.IDs(rt.Default, doc))
			assert.Check(t, n <= 3, "%s has %d versions: more than one an attempt", doc, n) // a seed, the first refresh, this one
		}
	})
}

func TestGoldenDocuments(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := rt.New()
		w.Provider.RefreshLifetime = 24 * time.Hour
		w.Advance(1999 * time.Millisecond) // documents hold whole seconds, rounded down
		tick(w, nil)
		for doc, want := range map[store.Document]string{
			store.TokensDoc: `{"access_expires_at":"2026-03-01T12:15:01Z","access_token":"at-1-1",` +
				`"attempt_id":"a77e3970-0000-4000-8000-000000000002","fence":1,"issued_at":"2026-03-01T12:00:01Z",` +
				`"refresh_expires_at":"2026-03-02T12:00:01Z","refresh_token":"rt-1-1","source":"login","token_type":"Bearer"}`,
			store.AccessDoc: `{"access_expires_at":"2026-03-01T12:15:01Z","access_token":"at-1-1",` +
				`"attempt_id":"a77e3970-0000-4000-8000-000000000002","fence":1,"refresh_at":"` + goldenRefreshAt + `","token_type":"Bearer"}`,
		} {
			assert.DeepEqual(t, want, w.Secrets.Get(rt.Default, doc).Value.Reveal())
		}
		assert.Equal(t, row(w).RefreshAt.Truncate(time.Second).Format(time.RFC3339), goldenRefreshAt)
	})
}

const goldenRefreshAt = "2026-03-01T12:11:47Z"
