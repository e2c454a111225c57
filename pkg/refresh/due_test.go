package refresh_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	rt "tokenrefresh/pkg/refresh/refreshtest"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

func dueNow(t *testing.T, w *rt.World, hook rt.Hook) (row store.Row, exists bool, err error) {
	t.Helper()
	e := w.Engine(hook)
	return refresh.DueNow(t.Context(), e.Secrets, e.Ledger, rt.Default, w.Now())
}

// A person's new token is presented by the next tick, not when the old one was due.
func TestDueNow(t *testing.T) {
	t.Parallel()
	w := live(t)
	wantTick(t, w, nil, outcome.Refreshed)
	before := w.Ledger.Get(rt.Default)
	w.Seed(rt.Default)
	wantTick(t, w, nil, outcome.NotDue)
	row, exists, err := dueNow(t, w, nil)
	assert.NilError(t, err)
	assert.Check(t, exists)
	want := before
	want.RefreshAt = row.RefreshAt
	assert.DeepEqual(t, want, w.Ledger.Get(rt.Default))
	wantTick(t, w, nil, outcome.Refreshed)
	wantHealthy(t, w)
}

// A claim belongs to its run alone, even one that comes between the read and the write.
func TestDueNowLeavesAClaimAlone(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"before": true, "meanwhile": false} {
		inBubble(t, name, func(t *testing.T) {
			w := live(t)
			tick(w, nil)
			claimed := w.Ledger.Get(rt.Default)
			claimed.Phase, claimed.Fence, claimed.AttemptID = store.Sending, claimed.Fence+1, "another"
			claimed.ClaimedUntil = w.Now().Add(time.Minute)
			if before {
				w.Ledger.Set(claimed)
			}
			row, exists, err := dueNow(t, w, on(claims, 1, func() { w.Ledger.Set(claimed) }))
			assert.Check(t, err == nil && exists && row.Phase == store.Sending, "%s, %t, %v", row.Phase, exists, err)
			got := w.Ledger.Get(rt.Default)
			assert.Check(t, got.Fence == claimed.Fence && got.AttemptID == "another" && got.RefreshAt.Equal(claimed.RefreshAt), "row %+v", got)
		})
	}
}

func TestDueNowWithoutARow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup func(w *rt.World)
		want  bool
	}{
		"new":           {func(*rt.World) {}, true},
		"a seed":        {func(w *rt.World) { w.Seed(rt.Default) }, true},
		"no secret yet": {func(w *rt.World) { w.Secrets.Delete(rt.Default, store.TokensDoc) }, true},
		// Nobody knows what was presented since; a new row would claim: nothing.
		"the row was lost":             {func(w *rt.World) { setupDue(w); w.Ledger.Delete(rt.Default) }, false},
		"nobody knows who wrote there": {tokens(`{`), false},
	} {
		inBubble(t, name, func(t *testing.T) {
			w := rt.New()
			tt.setup(w)
			row, exists, err := dueNow(t, w, nil)
			assert.NilError(t, err)
			assert.Equal(t, exists, tt.want)
			want := (store.Row{Key: rt.Default, Phase: store.Idle, RefreshAt: row.RefreshAt})
			assert.Check(t, !tt.want || cmp.Diff(want, w.Ledger.Get(rt.Default)) == "", "row %+v", w.Ledger.Get(rt.Default))
			assert.Check(t, tt.want || w.Ledger.Get(rt.Default).Phase == "", "a row was made")
		})
	}
}

func TestDueNowFails(t *testing.T) {
	t.Parallel()
	w := live(t)
	tick(w, nil)
	_, _, down := dueNow(t, w, at(claims, 1, 0, rt.FailBefore))
	assert.Check(t, down != nil)
	moves := func() {
		change(w, func(r *store.Row) { r.Fence++ })
	}
	_, _, err := dueNow(t, w, on(claims, 0, moves))
	assert.Assert(t, is.ErrorType(err, &store.LostError{}))
}

func TestParseSeed(t *testing.T) {
	t.Parallel()
	got, err := refresh.ParseSeed(secret.New(`{"refresh_token":"rt","access_token":"at","note":1,"colour":"red"}`))
	assert.Check(t, err == nil && got.RefreshToken.Reveal() == "rt" && cmp.Diff([]string{"colour", "note"}, got.Unknown) == "", "%+v, %v", got, err)
	for text, says := range map[string]string{
		"":                         "missing",
		"[]":                       "JSON object",
		`{"refresh_token":" "}`:    "missing",
		`{"refresh_token":["rt"]}`: `"refresh_token" is not a string`,
		`{"refresh_token":"rt","issued_at":"today"}`: `"issued_at"`,
		`{"refresh_token":"rt","attempt_id":"a"}`:    "leave it out",
	} {
		if _, err := refresh.ParseSeed(secret.New(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v", text, err)
		}
	}
}
