package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/store"
)

const (
	// claimTries is how often a write is tried that may fail: a later run can make it as well.
	claimTries = 3
	// retryFirst is the first wait before a failed step is tried again; it doubles up to
	// maxRetryWait.
	retryFirst   = 100 * time.Millisecond
	maxRetryWait = 2 * time.Second
)

// condition is when a row is written, and how often that is tried.
type condition struct {
	guard store.Guard
	tries int // 0: until the context ends
	// done reports whether the stored row shows that an earlier try was done although it failed;
	// nil: the row cannot show it.
	done func(stored store.Row) bool
}

// commit writes the row that an edge has made. It changes nothing of the view: become does.
//
// A write without an answer may have been done, or may land later. It is tried again under the
// same guard: if the first was done, c.done recognises it in the stored row; if the first lands
// after the second, its guard fails.
func (a *visit) commit(ctx context.Context, e edge, next store.Row, c condition) error {
	if a.req.DryRun { // goes on as if it were written
		return nil
	}
	from, to := a.v.Stage(), stageOf(next, true, e.takenOver(a.v.TakenOver))
	err := a.retry(ctx, c.tries, func(ctx context.Context) error { return write(ctx, a.Ledger, next, c.guard) })
	if lost, ok := errors.AsType[*store.LostError](err); ok && c.done != nil && lost.Exists && c.done(lost.Current) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("%s in the ledger: %w", e, err)
	}
	a.Log.DebugContext(ctx, "row written", "account", next.Account, "edge", string(e), "from", from, "to", to)
	return nil
}

// write is the only caller of Ledger.Write.
func write(ctx context.Context, ledger store.Ledger, next store.Row, guard store.Guard) error {
	return ledger.Write(ctx, next, guard)
}

// become is commit; it also makes next the row of the view if it was written.
func (a *visit) become(ctx context.Context, e edge, next store.Row, c condition) error {
	err := a.commit(ctx, e, next, c)
	if err == nil {
		a.v.Row, a.v.Exists = next, true
	}
	return err
}

// unwritten is the result of a run that could not write its row: another run has claimed since, or
// the ledger fails.
func unwritten(err error) Result {
	if _, lost := errors.AsType[*store.LostError](err); lost {
		return Result{Outcome: outcome.Busy}
	}
	return Result{Outcome: outcomeOf(err), Err: err}
}

// unchanged is the guard of a write that is based on the row as it was read.
func (v View) unchanged() store.Guard {
	guard := v.Row.Unchanged()
	guard.Absent = !v.Exists
	return guard
}

// held is the guard of every write under the claim: still ours, and not settled.
func (v View) held() store.Guard {
	return store.Guard{Fence: v.Row.Fence, AttemptID: v.Row.AttemptID, Phase: store.Sending}
}

// stillHeld reads the row again and reports whether nobody has claimed since this run did, or since
// it read the row.
func (a *visit) stillHeld(ctx context.Context) (bool, error) {
	mine := a.v.Row
	row, exists, err := a.Ledger.Row(ctx, mine.Key)
	return err == nil && exists && row.Fence == mine.Fence && row.AttemptID == mine.AttemptID &&
		row.ClaimedBy == mine.ClaimedBy && row.Phase == mine.Phase, err
}

// retry runs step until it succeeds, fails for good, was tried tries times (0: no limit) or ctx
// ends.
func (a *visit) retry(ctx context.Context, tries int, step func(context.Context) error) error {
	wait := retryFirst
	for try := 1; ; try++ {
		err := step(ctx)
		if err == nil || final(err) || try == tries {
			return err
		}
		a.Log.WarnContext(ctx, "step failed, trying again",
			"account", a.v.Row.Account, "attempt_id", a.v.Row.AttemptID, "try", try, "error", err)
		if !pace.Sleep(ctx, wait) {
			return err
		}
		if !errors.Is(err, store.ErrThrottled) { // for which throttle makes room
			wait = min(2*wait, maxRetryWait)
		}
	}
}

// final reports whether another try cannot help within an attempt.
func final(err error) bool {
	_, lost := errors.AsType[*store.LostError](err)
	_, moved := errors.AsType[*store.MovedError](err)
	return lost || moved || lasting(err) ||
		errors.Is(err, errClaimLost) || errors.Is(err, errKeptBefore) ||
		errors.Is(err, store.ErrQuota) || errors.Is(err, store.ErrVersionTaken) || errors.Is(err, store.ErrNoVersion)
}
