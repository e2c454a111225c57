package refresh

import (
	"context"
	"errors"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

// attempt is the work of one run on one credential: gather, decide, do, until it ends.
type attempt struct {
	*Engine
	req Request
	v   View

	claimed   time.Time // when the claim was begun, or seen to be ours, on the process's own clock
	claimedAt time.Time // and on the engine's
	ends      time.Time // when the claimed attempt must be over, on the process's own clock
	latency   time.Duration
	skew      time.Duration
	clockRead bool
	warnings  []string
}

// maxSteps is more than a run ever takes: a repair, what a restored row says given up, a
// takeover, a refresh and a login.
const maxSteps = 12

// run decides what to do and does it, step by step.
func (a *attempt) run(ctx context.Context) Result {
	for range maxSteps {
		step := a.decide(ctx)
		if would, acts := step.acts(); acts && a.req.DryRun {
			return Result{Outcome: would}
		}
		if result, ended := a.do(ctx, step); ended {
			return result
		}
	}
	panic("unreachable: a run that comes to no end") // which ends this credential's run alone
}

// decide gathers what the next step needs, and returns it.
func (a *attempt) decide(ctx context.Context) Step {
	reads := ctx
	if a.v.ended != nil { // the provider may have acted: what follows outlives the caller's cancellation
		persist, cancel := a.persistContext(ctx)
		defer cancel()
		reads = persist
	}
	for range maxSteps {
		step := a.consider(ctx)
		if !step.Needs.any() {
			return step
		}
		a.v = a.sources().Gather(reads, a.v, step.Needs)
	}
	panic("unreachable: a decision that always needs more")
}

// consider decides by what was gathered so far.
func (a *attempt) consider(ctx context.Context) Step {
	a.v.Now = a.Now()
	a.v.late = a.tooLate(ctx)
	return Decide(a.v)
}

func (e *Engine) sources() Sources {
	return Sources{Provider: e.Provider, Secrets: e.Secrets, Ledger: e.Ledger}
}

// tooLate is an error if too little time is left to send and to store. A dry run has time.
func (a *attempt) tooLate(ctx context.Context) error {
	if a.req.DryRun {
		return nil
	}
	return pace.Enough(ctx, a.takes())
}

// takes is what an attempt may need from its begin until readers have the new token: what is
// left of the time to store is for the row, which the next run can settle too.
func (e *Engine) takes() time.Duration { return e.SendTimeout + e.StoreTimeout/2 + e.StoreTimeout/4 }

// do makes one step. ended is false if the run goes on with the next.
func (a *attempt) do(ctx context.Context, s Step) (result Result, ended bool) {
	if s.Warning != "" {
		a.warnings = append(a.warnings, s.Warning)
	}
	switch s.Do {
	case Wait:
		return a.wait(ctx, s), true
	case Park:
		return a.park(ctx, s), true
	case TakeOver:
		return a.takeOver(ctx, s)
	case Finish:
		return a.finish(ctx, s), true
	case Supersede:
		return a.supersede(ctx, s.version), true
	case See:
		return a.note(ctx, edgeSee, seen(a.v), s.Outcome), true
	case Correct:
		return a.note(ctx, edgeCorrect, correct(a.v), s.Outcome), true
	case Postpone:
		return a.postpone(ctx, s), true
	case Forget:
		return a.forget(ctx)
	case Repair:
		return a.repair(ctx, s)
	case Refresh:
		return a.refresh(ctx, s)
	case Login:
		return a.login(ctx)
	}
	panic("unreachable: a step without an action")
}

// wait ends the run. A claim that it holds is given back; an idle row is left as it is.
func (a *attempt) wait(ctx context.Context, s Step) Result {
	if !a.v.Held {
		return Result{Outcome: s.Outcome, Err: s.Err}
	}
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	return a.settle(ctx, edgeRelease, release(a.v, s.Outcome, s.Err), s.Outcome, s.Err)
}

// park writes that a person must act.
func (a *attempt) park(ctx context.Context, s Step) Result {
	what := outcome.Outcome(s.State)
	if a.v.Held {
		ctx, cancel := a.persistContext(ctx)
		defer cancel()
		return a.settle(ctx, edgePark, parkClaimed(a.v, s.State, s.Err), what, s.Err)
	}
	result := Result{Outcome: what, Err: s.Err}
	next := parkIdle(a.v, s.State, s.Err)
	mistyped := !a.v.Exists && !slices.Contains(a.Accounts, a.v.Row.Account) // its row would be looked after for ever
	if a.req.DryRun || mistyped || parked(a.v, next) && a.v.Row.LastError == next.LastError {
		return result
	}
	if err := a.become(ctx, edgePark, next, condition{guard: a.v.unchanged(), tries: 1}); err != nil {
		// The next tick finds the same and writes it then.
		a.Log.WarnContext(ctx, "state not written", "account", a.v.Row.Account, "error", err)
	}
	return result
}

// note writes what a run has found out about an idle row, or about another run's claim. If it
// fails, the next tick finds it too.
func (a *attempt) note(ctx context.Context, e edge, next store.Row, what outcome.Outcome) Result {
	if !a.req.DryRun {
		if err := a.become(ctx, e, next, condition{guard: a.v.unchanged(), tries: 1}); err != nil {
			a.Log.WarnContext(ctx, "not noted", "account", a.v.Row.Account, "edge", e.name, "error", err)
		}
	}
	return Result{Outcome: what}
}

// postpone leaves an attempt that was taken over to the next tick.
func (a *attempt) postpone(ctx context.Context, s Step) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	err := a.become(ctx, edgePostpone, postpone(a.v), condition{guard: a.v.held(), tries: claimTries})
	return Result{Outcome: outcomeOf(s.Err), Err: errors.Join(s.Err, err)}
}

// forget gives up what a restored row says, and goes on with what is left of it.
func (a *attempt) forget(ctx context.Context) (result Result, ended bool) {
	guard := a.v.unchanged()
	if a.v.Held {
		guard = a.v.held()
	}
	next := forget(a.v)
	if err := a.become(ctx, edgeForget, next, condition{guard: guard, tries: claimTries}); err != nil {
		var lost *store.LostError
		if errors.As(err, &lost) {
			return Result{Outcome: outcome.Busy}, true
		}
		return Result{Outcome: outcomeOf(err), Err: err}, true
	}
	a.warnings = append(a.warnings, "the ledger's row was older than the secrets, perhaps restored from a backup: "+
		"every refresh token that was current since counts as presented")
	a.v.Held, a.v.Taken, a.v.fence = false, false, next.Fence
	a.v = a.v.unread()
	return Result{}, false
}

// settle ends the attempt that this run holds: one write, on the condition that the claim is
// still ours. An error leaves the row as sending; the next tick finishes it then.
func (a *attempt) settle(ctx context.Context, e edge, next store.Row, what outcome.Outcome, cause error) Result {
	err := a.become(ctx, e, next, condition{guard: a.v.held(), done: settled(next)})
	return Result{Outcome: what, AttemptID: next.AttemptID, Err: errors.Join(cause, err)}
}

// settled reports whether a stored row shows that the attempt of next was settled: as it was
// written, or by a later claim that goes on from the version that it made current.
func settled(next store.Row) func(store.Row) bool {
	return func(stored store.Row) bool {
		if stored.Fence > next.Fence {
			ours := next.AttemptID
			return next.VersionID == ours && (stored.VersionID == ours || stored.BaseVersionID == ours)
		}
		return stored.Fence == next.Fence && stored.ClaimedBy == next.ClaimedBy && stored.Phase == store.Idle
	}
}

// outcomeOf is the outcome of an error of a port: it passes, or waits for a person.
func outcomeOf(err error) outcome.Outcome {
	if lasting(err) {
		return outcome.Misconfigured
	}
	return outcome.Transient
}

// persistContext is for what must be done once a provider has acted: it outlives the
// caller's cancellation and ends with the budget for storing.
func (a *attempt) persistContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), a.StoreTimeout)
}
