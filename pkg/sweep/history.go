package sweep

import (
	"context"
	"errors"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// note writes the sweep into the account's row, as far as it works: what it says is
// found out again without it. Two sweeps that end together both get written, for
// the fence counts these writes.
//
// A run for a list of rows writes only that it was stopped, and only where nobody
// has: that keeps the others of the same outage, which may be many, from trying, and
// from writing over each other.
func (s *sweep) note(ctx context.Context) {
	what := s.verdict()
	if s.req.DryRun || what == "" || s.listed != nil && s.stopped() == "" {
		return
	}
	row, exists := s.row, s.exists
	for range ledgerTries {
		next := s.noteOn(row, what)
		err := s.Ledger.Write(ctx, next, store.Guard{Absent: !exists, Fence: row.Fence})
		var lost *store.LostError
		if errors.As(err, &lost) {
			row, exists = lost.Current, lost.Exists
			row.Key = s.row.Key
			if s.listed != nil && troubled(row) && !s.limited().After(row.NotBefore) {
				return
			}
			continue
		}
		if err != nil {
			s.Log.WarnContext(ctx, "history not written", "account", s.account, "error", err)
		}
		s.row = next
		return
	}
}

// noteOn is row with this sweep's history.
func (s *sweep) noteOn(row store.Row, what outcome.Outcome) store.Row {
	row.Phase = store.Idle
	row.Fence++
	row.Ended(what, s.why(what))
	row.CredentialsVersionID = s.credentials.ID
	row.State = store.OK // a real try starts afresh
	if what == outcome.Misconfigured {
		row.State = store.Misconfigured
	}
	if s.counted(outcome.Refreshed, outcome.Superseded, outcome.Dead) > 0 {
		row.ConsecutiveFailures = 0
		if row.NotBefore.Equal(s.row.NotBefore) {
			row.NotBefore = time.Time{} // calls get through again
		}
	} else {
		row.ConsecutiveFailures++
	}
	if until := s.limited(); until.After(row.NotBefore) {
		row.NotBefore = until
	}
	if s.counted(outcome.Refreshed) > 0 {
		row.LastSuccessAt = s.Now()
	}
	if !s.req.named() {
		row.AccessExpiresAt = s.report.NextExpiry
	}
	return row
}

// verdict is the account's outcome of the sweep: what stopped it, else the best
// that came of it. Empty: no call was made.
func (s *sweep) verdict() outcome.Outcome {
	if what := s.stopped(); what != "" {
		return what
	}
	for _, what := range []outcome.Outcome{
		outcome.PersistFailed, outcome.Refreshed, outcome.Superseded, outcome.Dead, outcome.Transient,
	} {
		if s.counted(what) > 0 {
			return what
		}
	}
	return ""
}
