package refresh

import "time"

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

// rejection reports whether a reader's rejection of an attempt is accepted: it makes the credential
// due now. last and count are of the accepted rejections in a row, this one included.
//
// Any reader can reject any attempt, and a 401 has other causes. So it counts only for the
// published version of an idle row, and ever less often while refreshing does not help. A last time
// in the future, left by a wrong clock, does not delay it.
//
// It ignores pauses, back-offs and states: a due credential is still subject to them.
func (v View) rejection() (last time.Time, count int, accepted bool) {
	r := v.Row
	switch {
	case v.rejected == "" || v.rejected != r.PublishedVersionID || r.VersionID != r.PublishedVersionID,
		!v.idle(),
		within(r.LastSuccessAt, v.Now, rejectedAge),
		within(r.RejectedAt, v.Now, rejectedAfter(r.Rejections)):
		return r.RejectedAt, r.Rejections, false
	case !within(r.RejectedAt, v.Now, rejectedReset):
		return v.Now, 1, true
	}
	return v.Now, r.Rejections + 1, true
}

// within reports whether less than d has passed from t to now.
func within(t, now time.Time, d time.Duration) bool {
	passed := now.Sub(t)
	return passed >= 0 && passed < d
}

// rejectedAfter is the time after the nth rejection in a row in which none is accepted.
func rejectedAfter(n int) time.Duration {
	wait := rejectedWait
	for ; n > 1 && wait < maxRejectedWait; n-- {
		wait *= 2
	}
	return min(wait, maxRejectedWait)
}
