package sweep

import (
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
)

// outlook takes note of a row that is tried next at from: when its access token ends, and
// how many attempts it has left until then, after so many failures in a row. One without
// from is not looked after any more.
func (s *sweep) outlook(from, until time.Time, failures int) {
	if from.IsZero() {
		return
	}
	s.expiry(until)
	o := pace.Outlook{From: from, Until: until, Takes: s.SendTimeout + s.StoreTimeout, BacksOff: true, Failures: failures}
	s.attempts(o.AttemptsLeft(s.began, s.Tick))
}

// attemptsLeft is Account.AttemptsLeft, after the sweep.
func (s *sweep) attemptsLeft() int {
	if s.counted(outcome.Misconfigured) > 0 {
		return 0
	}
	if s.report.NextExpiry.IsZero() || s.row.NotBefore.IsZero() {
		return s.fewest
	}
	// The provider wants no call before: that goes for every row, the one that ends first too.
	limited := pace.Outlook{From: s.row.NotBefore, Until: s.report.NextExpiry, Takes: s.SendTimeout + s.StoreTimeout, BacksOff: true}
	return min(s.fewest, limited.AttemptsLeft(s.began, s.Tick))
}
