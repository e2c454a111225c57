package refresh

import (
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"tokenrefresh/pkg/store"
)

// publishedRow is the row of a credential whose version "a" was published a minute ago.
func publishedRow(changes ...func(r *store.Row)) store.Row {
	r := store.Row{Phase: store.Idle, VersionID: "a", PublishedVersionID: "a", LastSuccessAt: noon.Add(-time.Minute)}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func TestWhichRejectionsCount(t *testing.T) {
	t.Parallel()
	before := func(d time.Duration) func(r *store.Row) {
		return func(r *store.Row) { r.LastSuccessAt = noon.Add(-d) }
	}
	after := func(d time.Duration, count int) func(r *store.Row) {
		return func(r *store.Row) { r.RejectedAt, r.Rejections = noon.Add(-d), count }
	}
	for name, tt := range map[string]struct {
		row  store.Row
		id   string
		want bool
	}{
		"the published version":     {publishedRow(), "a", true},
		"no attempt":                {publishedRow(func(r *store.Row) { r.VersionID, r.PublishedVersionID = "", "" }), "", false},
		"an older version":          {publishedRow(), "b", false},
		"no row":                    {store.Row{}, "a", false},
		"a newer one unpublished":   {publishedRow(func(r *store.Row) { r.VersionID = "b" }), "a", false},
		"an attempt under way":      {publishedRow(func(r *store.Row) { r.Phase = store.Sending }), "a", false},
		"just published":            {publishedRow(before(10*time.Second - 1)), "a", false},
		"old enough":                {publishedRow(before(10 * time.Second)), "a", true},
		"published in the future":   {publishedRow(before(-time.Hour)), "a", true},
		"too soon after another":    {publishedRow(after(5*time.Minute-1, 1)), "a", false},
		"long enough after it":      {publishedRow(after(5*time.Minute, 1)), "a", true},
		"another one in the future": {publishedRow(after(-time.Hour, 1)), "a", true},
		"a count from elsewhere":    {publishedRow(after(6*time.Hour, 1<<40)), "a", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			last, _, got := View{Row: tt.row, Now: noon, rejected: tt.id}.rejection()
			assert.Equal(t, got, tt.want)
			if tt.want {
				tt.row.RejectedAt = noon
			}
			assert.Equal(t, last, tt.row.RejectedAt)
		})
	}
}

// While each new token is rejected too, refreshes become rare; after a quiet day they come at once
// again.
func TestRejectionsBecomeRare(t *testing.T) {
	t.Parallel()
	v := View{Row: publishedRow(), Now: noon, rejected: "a"}
	accept := func() (accepted bool) {
		v.Row.RejectedAt, v.Row.Rejections, accepted = v.rejection()
		return accepted
	}
	var waits []int // minutes
	last := noon
	for ; v.Now.Before(noon.Add(48 * time.Hour)); v.Now = v.Now.Add(time.Minute) { // rejected each minute
		if accept() {
			waits, last = append(waits, int(v.Now.Sub(last).Minutes())), v.Now
		}
	}
	assert.DeepEqual(t, waits, slices.Concat([]int{0, 5, 10, 20, 40, 80, 160, 320}, slices.Repeat([]int{360}, 6)))
	v.Now = last.Add(24 * time.Hour)
	assert.Check(t, accept(), "not accepted after a day")
	v.Now = v.Now.Add(5 * time.Minute)
	assert.Check(t, accept(), "the wait has not started anew")
}
