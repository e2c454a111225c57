package refresh

import (
	"time"

	"tokenrefresh/pkg/store"
)

const (
	// rejectedAge is how old a published version must be for its rejection to count. While it is
	// younger, readers may still hold its predecessor.
	rejectedAge = 10 * time.Second
	// rejectedWait is the least time between two accepted rejections. It doubles with each.
	rejectedWait    = 5 * time.Minute
	maxRejectedWait = 6 * time.Hour
	// rejectedReset is the time without an accepted rejection after which the wait starts again. It
	// is longer than the longest wait.
	rejectedReset = 24 * time.Hour
)

// Rejections counts accepted rejections in a row. The zero value is none.
type Rejections struct {
	Last  time.Time
	Count int
}

// Accept reports whether a reader's rejection of an attempt makes the credential due now,
// and what to remember of it. published is when the version was published.
//
// Any reader can reject any attempt, and a 401 has other causes. So it counts only for the
// published version of an idle row, and ever less often while refreshing does not help. A last time
// in the future, left by a wrong clock, does not delay it.
//
// It ignores pauses, back-offs and states: a due credential is still subject to them.
func (r Rejections) Accept(row store.Row, attemptID string, published, now time.Time) (Rejections, bool) {
	switch {
	case attemptID == "" || attemptID != row.PublishedVersionID || row.VersionID != row.PublishedVersionID:
		return r, false
	case row.Phase == store.Sending:
		return r, false
	case within(published, now, rejectedAge):
		return r, false
	case within(r.Last, now, r.wait()):
		return r, false
	case !within(r.Last, now, rejectedReset):
		return Rejections{Last: now, Count: 1}, true
	}
	return Rejections{Last: now, Count: r.Count + 1}, true
}

// rejection adds a reader's rejection to those before, if it is accepted.
func (v View) rejection() (Rejections, bool) {
	before := Rejections{Last: v.Row.RejectedAt, Count: v.Row.Rejections}
	return before.Accept(v.Row, v.rejected, v.Row.LastSuccessAt, v.Now)
}

// within reports whether less than d has passed from t to now.
func within(t, now time.Time, d time.Duration) bool {
	passed := now.Sub(t)
	return passed >= 0 && passed < d
}

// wait is the time after the last rejection in which none is accepted.
func (r Rejections) wait() time.Duration {
	wait := rejectedWait
	for n := 1; n < r.Count && wait < maxRejectedWait; n++ {
		wait *= 2
	}
	return min(wait, maxRejectedWait)
}
