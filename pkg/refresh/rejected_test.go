package refresh_test

import (
	"testing"
	"time"

	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/store"
)

func TestWhichRejectionsCount(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 22, 15, 0, 0, time.UTC)
	live := store.Row{Phase: store.Idle, VersionID: "a", PublishedVersionID: "a"}
	with := func(change func(r *store.Row)) store.Row {
		row := live
		change(&row)
		return row
	}
	for name, tt := range map[string]struct {
		row       store.Row
		id        string
		published time.Duration // before now
		before    refresh.Rejections
		want      bool
	}{
		"the published version":   {row: live, id: "a", published: time.Minute, want: true},
		"no attempt":              {row: with(func(r *store.Row) { r.VersionID, r.PublishedVersionID = "", "" }), published: time.Minute},
		"an older version":        {row: live, id: "b", published: time.Minute},
		"no row":                  {id: "a", published: time.Minute},
		"a newer one unpublished": {row: with(func(r *store.Row) { r.VersionID = "b" }), id: "a", published: time.Minute},
		"an attempt under way":    {row: with(func(r *store.Row) { r.Phase = store.Sending }), id: "a", published: time.Minute},
		"just published":          {row: live, id: "a", published: 10*time.Second - 1},
		"old enough":              {row: live, id: "a", published: 10 * time.Second, want: true},
		"published in the future": {row: live, id: "a", published: -time.Hour, want: true},
		"too soon after another":  {row: live, id: "a", published: time.Minute, before: refresh.Rejections{Last: now.Add(1 - 5*time.Minute), Count: 1}},
		"long enough after it": {
			row: live, id: "a", published: time.Minute, before: refresh.Rejections{Last: now.Add(-5 * time.Minute), Count: 1}, want: true,
		},
		"another one in the future": {
			row: live, id: "a", published: time.Minute, before: refresh.Rejections{Last: now.Add(time.Hour), Count: 1}, want: true,
		},
		"a count from elsewhere": {
			row: live, id: "a", published: time.Minute, before: refresh.Rejections{Last: now.Add(-6 * time.Hour), Count: 1 << 40}, want: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, got := tt.before.Accept(tt.row, tt.id, now.Add(-tt.published), now)
			if got != tt.want {
				t.Errorf("accepted: %t", got)
			}
			if !got && after != tt.before || got && after.Last != now {
				t.Errorf("remembered %+v", after)
			}
		})
	}
}

// While each new token is rejected too, refreshes become rare; after a quiet day they come at once
// again.
func TestRejectionsBecomeRare(t *testing.T) {
	t.Parallel()
	row := store.Row{Phase: store.Idle, VersionID: "a", PublishedVersionID: "a"}
	var r refresh.Rejections
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	accept := func() bool {
		var ok bool
		r, ok = r.Accept(row, "a", now.Add(-time.Minute), now)
		return ok
	}
	var waits []time.Duration
	last := now
	for end := now.Add(48 * time.Hour); now.Before(end); now = now.Add(time.Minute) { // rejected each minute
		if accept() {
			waits = append(waits, now.Sub(last))
			last = now
		}
	}
	want := []int{0, 5, 10, 20, 40, 80, 160, 320, 360, 360, 360, 360, 360, 360}
	for n, minutes := range want {
		if n >= len(waits) || int(waits[n].Minutes()) != minutes {
			t.Fatalf("waits %v, want minutes %v", waits, want)
		}
	}
	if len(waits) != len(want) {
		t.Errorf("%d accepted in two days: %v", len(waits), waits)
	}
	now = last.Add(24 * time.Hour)
	if !accept() {
		t.Error("not accepted after a day")
	}
	now = now.Add(5 * time.Minute)
	if !accept() {
		t.Error("the wait has not started anew")
	}
}
