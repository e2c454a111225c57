package refresh

import (
	"context"
	"errors"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// claimSlack keeps a claim beyond the moment its holder is certainly dead.
const claimSlack = 30 * time.Second

// longestAttempt is how long an attempt lasts after its claim: a send, storing, and twice the time
// to store for stores that do not answer. A reply that no store has accepted by then is still
// offered to them until the run ends.
func (e *Engine) longestAttempt() time.Duration { return e.SendTimeout + 3*e.StoreTimeout }

// longestClaim is how long any claim lasts. A claim of an older release lasts until its run's end.
func (e *Engine) longestClaim() time.Duration {
	return max(e.longestAttempt(), e.RunTimeout) + e.claimMargin()
}

// claimMargin is how long a claim outlasts the end of its attempt.
func (e *Engine) claimMargin() time.Duration { return max(claimSlack, 3*e.StoreTimeout) }

// holder is this run as the holder of a claim that begins now. The claim lasts a little longer
// than the attempt can, and not as long as the run may: an attempt that dies early in a long
// run is taken over soon.
func (a *visit) holder(ctx context.Context) holder {
	a.claimed, a.claimedAt = time.Now(), a.Now()
	a.ends = a.claimed.Add(a.longestAttempt())
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(a.ends) {
		a.ends = deadline
	}
	until := a.claimedAt.Add(time.Until(a.ends) + a.claimMargin())
	return holder{runID: a.req.RunID, until: until, fence: a.v.latestFence(), tick: a.Tick}
}

// claim writes lease and intent in one: from now on this run, and no other, may call the
// provider. ended is true if the run did not get the claim, or cannot use it.
func (a *visit) claim(ctx context.Context, next store.Row, do Action) (result Result, ended bool) {
	before, first := a.v.Row, !a.v.Exists
	if result, ended := a.acquire(ctx, edgeClaim, next); ended {
		return result, true
	}
	a.v.TakenOver, a.v.ended, a.v.again, a.v.third = false, nil, Reading{}, Reading{}
	if first && do == Refresh {
		// There was no row, but another run may have had one and sent this token. After the claim
		// no other run sends it, so one more look at tokens is enough.
		a.gather(ctx, Needs{Again: true})
		if err := a.v.moved(); err != nil {
			return a.giveBack(ctx, edgeAbandon, abandon(a.v, before), outcome.Transient, err), true
		}
		a.v.again = Reading{}
	}
	a.meter()
	return Result{}, false
}

// giveBack ends the claim of an attempt that this run does not end.
func (a *visit) giveBack(ctx context.Context, e edge, next store.Row, what outcome.Outcome, cause error) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	err := a.become(ctx, e, next, condition{guard: a.v.held(), tries: claimTries})
	return Result{Outcome: what, Err: errors.Join(cause, err)}
}

// takeOver claims an attempt that died, or one that left something, under its own attempt id. All
// is read again, because a write of the dead run may have landed since.
func (a *visit) takeOver(ctx context.Context, s Step) (result Result, ended bool) {
	if result, ended := a.acquire(ctx, edgeTakeOver, takeOver(a.v.Row, s, a.holder(ctx))); ended {
		return result, true
	}
	a.v.TakenOver = true
	a.v.readings = readings{}
	return Result{}, false
}

// acquire writes next as the claim of this run, on the condition that nobody has claimed since
// the row was read.
func (a *visit) acquire(ctx context.Context, e edge, next store.Row) (result Result, ended bool) {
	mine := func(r store.Row) bool {
		return r.Fence == next.Fence && r.AttemptID == next.AttemptID && r.ClaimedBy == next.ClaimedBy && r.Phase == store.Sending
	}
	err := a.become(ctx, e, next, condition{guard: a.v.unchanged(), tries: claimTries, done: mine})
	if err != nil {
		return unwritten(err), true
	}
	a.v.Held = true
	return Result{}, false
}
