package sweep

import (
	"context"
	"errors"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// writeHistory writes the sweep's end into the account's row. A failure is only logged, because the
// next sweep finds out the same again. The fence counts these writes, so two sweeps that end
// together are both written.
//
// A run for a list of rows writes only that it was stopped, and only if no other run did:
// of many runs in one outage, one writes and the others don't even try.
func (s *sweep) writeHistory(ctx context.Context) {
	what := s.verdict()
	if s.req.DryRun || what == "" || s.listed != nil && s.stopped() == "" {
		return
	}
	row, exists := s.row, s.exists
	for range ledgerTries {
		next := s.withHistory(row, what)
		err := s.Ledger.Write(ctx, next, store.Guard{Absent: !exists, Fence: row.Fence})
		if lost, ok := errors.AsType[*store.LostError](err); ok {
			row, exists = lost.Current, lost.Exists
			row.Key = s.row.Key
			if s.listed != nil && inTrouble(row) && !s.notBefore.After(row.NotBefore) {
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

// withHistory returns row with this sweep's history. Two fields mean something else than in
// the row of a chain: RefreshAt is when calls are tried again after a stop, and
// LoginFailures counts how often in a row the provider has refused the credentials.
func (s *sweep) withHistory(row store.Row, what outcome.Outcome) store.Row {
	row.Phase = store.Idle
	row.Fence++
	row.Tick = s.Tick
	row.Ended(what, s.causes[what])
	row.CredentialsVersionID = s.credentials.ID
	row.State, row.RefreshAt = store.OK, time.Time{} // the latest try counts
	if s.blocked && what == outcome.Misconfigured {
		row.State = store.Misconfigured
	}
	if s.row.CredentialsVersionID != s.credentials.ID {
		row.LoginFailures = 0 // a person has edited them
	}
	if s.counted(outcome.Refreshed, outcome.Superseded, outcome.Dead) > 0 {
		row.ConsecutiveFailures, row.LoginFailures = 0, 0
		if row.NotBefore.Equal(s.row.NotBefore) {
			row.NotBefore = time.Time{} // calls succeed again
		}
	} else {
		row.ConsecutiveFailures++
	}
	switch s.pause {
	case pauseCredentials:
		row.LoginFailures++
		row.RefreshAt = s.Now().Add(pace.RefusedCredentials(row.LoginFailures))
	case pauseRetry:
		left := s.report.NextExpiry.Sub(s.Now()) - s.takes()
		row.RefreshAt = s.Now().Add(pace.Retry(row.ConsecutiveFailures, left, s.Tick))
	case noPause:
	}
	if s.notBefore.After(row.NotBefore) {
		row.NotBefore = s.notBefore
	}
	if s.counted(outcome.Refreshed) > 0 {
		row.LastSuccessAt = s.Now()
	}
	if !s.req.named() {
		row.AccessExpiresAt = s.report.NextExpiry
	}
	return row
}

// verdict returns the sweep's outcome for the account: the reason of a stop, else the best
// outcome of its rows. Empty: no call was made.
func (s *sweep) verdict() outcome.Outcome {
	if what := s.stopped(); what != "" {
		return what
	}
	for _, what := range []outcome.Outcome{
		outcome.PersistFailed, outcome.Refreshed, outcome.Superseded, outcome.Dead, outcome.Misconfigured,
		outcome.Transient,
	} {
		if s.counted(what) > 0 {
			return what
		}
	}
	return ""
}
