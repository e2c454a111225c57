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

// visit is the work of one run on one credential: gather, decide, act, until it ends. It makes no
// attempt, or several, each of them one call under one id.
type visit struct {
	*Engine
	req Request
	v   View

	claimed   time.Time // when the claim was written, or last checked, on the process's own clock
	claimedAt time.Time // the same on the engine's clock
	ends      time.Time // when the attempt must be over, on the process's own clock
	latency   time.Duration
	skew      time.Duration
	clockRead bool
	warnings  []string
	reasons   []string // of the steps so far
}

// maxSteps is more than a run ever takes: a repair, a restored row given up, a takeover, a
// refresh, a login.
const maxSteps = 12

// run decides what to do and does it, step by step.
func (a *visit) run(ctx context.Context) Result {
	for range maxSteps {
		step := a.decide(ctx)
		a.reasons = append(a.reasons, step.Reason)
		if would, acts := step.would(); acts && a.req.DryRun {
			return Result{Outcome: would}
		}
		if result, ended := a.do(ctx, step); ended {
			return result
		}
	}
	panic("unreachable: a run that comes to no end") // which ends this credential's run alone
}

// decide gathers what the next step needs, and returns it.
func (a *visit) decide(ctx context.Context) Step {
	reads := ctx
	if a.v.ended != nil { // the provider may have acted, so the caller's cancellation no longer counts
		persist, cancel := a.persistContext(ctx)
		defer cancel()
		reads = persist
	}
	for range maxSteps {
		step := a.consider(ctx)
		if !step.Needs.any() {
			return step
		}
		a.gather(reads, step.Needs)
	}
	panic("unreachable: a decision that always needs more")
}

// consider decides by what is gathered so far.
func (a *visit) consider(ctx context.Context) Step {
	a.v.Now = a.Now()
	a.v.late = a.tooLate(ctx)
	return Decide(a.v)
}

// tooLate is an error if too little time is left to send and to store. A dry run has time.
func (a *visit) tooLate(ctx context.Context) error {
	if a.req.DryRun {
		return nil
	}
	return pace.Enough(ctx, a.needed())
}

// needed is how long an attempt may take until readers have the new token. It does not count the
// last quarter of the time to store: that is for the row, which the next run can settle too.
func (e *Engine) needed() time.Duration { return e.SendTimeout + e.StoreTimeout/2 + e.StoreTimeout/4 }

// do makes one step. ended is false if the run goes on with the next.
func (a *visit) do(ctx context.Context, s Step) (result Result, ended bool) {
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
	case Watch:
		return a.note(ctx, edgeWatch, watch(a.v), s.Outcome), true
	case Correct:
		return a.note(ctx, edgeCorrect, correct(a.v), s.Outcome), true
	case Postpone:
		return a.giveBack(ctx, edgePostpone, postpone(a.v), outcomeOf(s.Err), s.Err), true
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

// wait ends the run. A claim that it holds is released; an idle row is left as it is.
func (a *visit) wait(ctx context.Context, s Step) Result {
	if !a.v.Held {
		return Result{Outcome: s.Outcome, Err: s.Err}
	}
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	return a.settle(ctx, edgeRelease, release(a.v, s.Outcome, s.Err), s.Outcome, s.Err)
}

// park writes that a person must act.
func (a *visit) park(ctx context.Context, s Step) Result {
	what := outcome.Outcome(s.State)
	if a.v.Held {
		ctx, cancel := a.persistContext(ctx)
		defer cancel()
		return a.settle(ctx, edgePark, parkClaimed(a.v, s.State, s.Err), what, s.Err)
	}
	result := Result{Outcome: what, Err: s.Err}
	next := parkIdle(a.v, s.State, s.Err)
	mistyped := !a.v.Exists && !slices.Contains(a.Accounts, a.v.Row.Account) // a row would keep the account for ever
	if a.req.DryRun || mistyped || parked(a.v, next) && a.v.Row.LastError == next.LastError {
		return result
	}
	if err := a.become(ctx, edgePark, next, condition{guard: a.v.unchanged(), tries: 1}); err != nil {
		// The next tick finds the same and writes it then.
		a.Log.WarnContext(ctx, "state not written", "account", a.v.Row.Account, "error", err)
	}
	return result
}

// note records what a run has found about an idle row, or about another run's claim. If that fails,
// the next tick finds it again.
func (a *visit) note(ctx context.Context, e edge, next store.Row, what outcome.Outcome) Result {
	if !a.req.DryRun {
		if err := a.become(ctx, e, next, condition{guard: a.v.unchanged(), tries: 1}); err != nil {
			a.Log.WarnContext(ctx, "not noted", "account", a.v.Row.Account, "edge", string(e), "error", err)
		}
	}
	return Result{Outcome: what}
}

// forget drops the attempts of a restored row, and the run goes on.
func (a *visit) forget(ctx context.Context) (result Result, ended bool) {
	guard := a.v.unchanged()
	if a.v.Held { // by a takeover
		guard = a.v.held()
	}
	next := forget(a.v)
	if err := a.become(ctx, edgeForget, next, condition{guard: guard, tries: claimTries}); err != nil {
		return unwritten(err), true
	}
	a.warnings = append(a.warnings, "the ledger's row was older than the secrets, perhaps restored from a backup: "+
		"every refresh token that was current since counts as presented")
	a.v.Held, a.v.TakenOver, a.v.fence = false, false, next.Fence
	a.v.readings = readings{}
	return Result{}, false
}

// settle ends the attempt that this run holds: one write, on the condition that the claim is
// still ours. After an error the row is still sending, and the next tick finishes it.
func (a *visit) settle(ctx context.Context, e edge, next store.Row, what outcome.Outcome, cause error) Result {
	err := a.become(ctx, e, next, condition{guard: a.v.held(), done: alreadySettled(next)})
	return Result{Outcome: what, AttemptID: next.AttemptID, Err: errors.Join(cause, err)}
}

// alreadySettled reports whether a stored row shows that next was written: it is the same, or a
// later claim goes on from the version that next made current.
func alreadySettled(next store.Row) func(store.Row) bool {
	return func(stored store.Row) bool {
		if stored.Fence > next.Fence {
			ours := next.AttemptID
			return next.VersionID == ours && (stored.VersionID == ours || stored.BaseVersionID == ours)
		}
		return stored.Fence == next.Fence && stored.ClaimedBy == next.ClaimedBy && stored.Phase == store.Idle
	}
}

// outcomeOf is the outcome after an error of a port: the error passes, or needs a person.
func outcomeOf(err error) outcome.Outcome {
	if lasting(err) {
		return outcome.Misconfigured
	}
	return outcome.Transient
}

// persistContext is for work that must be done once a provider has acted. It outlives the
// caller's cancellation, and ends with the budget for storing.
func (a *visit) persistContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), a.StoreTimeout)
}
