package handler

import (
	"strings"
	"time"

	"tokenrefresh/pkg/announce"
	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/refresh"
	"tokenrefresh/pkg/sweep"
)

// refreshEnd describes to other systems how a run ended for a credential.
func refreshEnd(provider, runID string, c Credential, one refresh.Result, now time.Time) announce.End {
	e := announce.End{Trouble: one.Trouble, Told: one.Told, Noted: one.Noted, Event: announce.Event{
		At: now, Provider: provider, Account: c.Account, RunID: runID, Outcome: c.Outcome,
		AttemptID: one.AttemptID, VersionID: c.VersionID, AccessExpiresAt: c.AccessExpiresAt, Error: c.Error,
	}}
	if one.Known {
		e.AttemptsLeft = &one.AttemptsLeft
	}
	return e
}

// sweepEnd is how a sweep ended for an account. why are the errors that need a person;
// without any, what went wrong is in the warnings.
func sweepEnd(provider, runID string, a sweep.Account, why []string, now time.Time) announce.End {
	if len(why) == 0 {
		why = a.Warnings
	}
	e := announce.End{Trouble: a.Trouble, Told: a.Told, Noted: standing(a.Noted), Event: announce.Event{
		At: now, Provider: provider, Account: a.Account, RunID: runID, Outcome: verdict(a.Outcomes), Outcomes: a.Outcomes,
		AccessExpiresAt: stamp(a.NextExpiry), Error: strings.Join(why, "; "),
	}}
	if !a.Blind {
		e.AttemptsLeft = &a.AttemptsLeft
	}
	return e
}

// verdict is the one outcome of a sweep: one that needs a person, else the best of its
// transactions. Dead transactions do not count.
func verdict(outcomes map[outcome.Outcome]int) outcome.Outcome {
	for _, what := range []outcome.Outcome{
		outcome.Misconfigured, outcome.PersistFailed, outcome.Refreshed, outcome.RateLimited, outcome.Transient,
		outcome.NotSeeded, outcome.Paused, outcome.Busy,
	} {
		if outcomes[what] > 0 {
			return what
		}
	}
	return outcome.NotDue
}

// standing is an account's last outcome in the ledger, without dead transactions.
func standing(last outcome.Outcome) outcome.Outcome {
	if last == outcome.Dead {
		return outcome.Refreshed
	}
	return last
}
