package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/store"
)

const (
	// fenceAge is how old a claim may be at the send before it is looked at again:
	// a frozen process can wake up long after its claim ran out.
	fenceAge = 2 * time.Second
	// sendTries is how often a request is begun of which no byte ever left.
	sendTries = 3
	// claimTries is how often a claim is written that ended in neither yes nor no.
	claimTries = 3
	// retryFirst is the first wait before a failed step is tried again; it doubles up
	// to retryMost.
	retryFirst = 100 * time.Millisecond
	retryMost  = 2 * time.Second
)

// claim writes lease and intent in one: from now on this run, and no other, may
// send, and fingerprint (where not empty) counts as spent.
func (a *attempt) claim(ctx context.Context, source store.Source, fingerprint string) (Result, bool) {
	next := a.row
	next.AttemptID = a.NewID()
	next.AttemptSource = source
	next.BaseVersionID = a.read.tokens.ID
	next.CredentialsVersionID = a.read.credentials.ID
	next.SeenVersionID = a.read.tokens.ID
	next.State = store.OK // a real try starts afresh; how it ends is written by settle
	if fingerprint != "" {
		next.Spent = a.withSpent(fingerprint)
		// What is presented comes from this version, so that an older one that a stale
		// read brings back is known for what it is.
		next.VersionID = a.read.chainID
	}
	if source == store.FromLogin {
		// Counted before it is tried, so that a login that kills its process backs off too.
		next.LoginFailures++
		next.NotBefore = a.Now().Add(pace.Backoff(next.LoginFailures))
	} else {
		next.NotBefore = time.Time{}
	}
	if a.outdated() {
		next.Escrow = store.Escrow{}
	}
	next.StagedAt = staging(a.row, a.Now())
	before, first, key := a.row, !a.exists, a.row.Key
	var lost Result
	var claimed bool
	together(
		func() { lost, claimed = a.take(ctx, next) },
		func() { a.label(ctx, key) },
	)
	if !claimed {
		return lost, false
	}
	if first && fingerprint != "" {
		// There was no row. Perhaps there had been one: only under the claim it is certain
		// that nobody presents the token between this look and the send.
		if err := a.confirm(ctx); err != nil {
			return a.forget(ctx, before, err), false
		}
	}
	if a.read.accessErr != nil {
		// What could not be published must not be asked for.
		return a.unclaim(ctx, before, fingerprint), false
	}
	a.meter()
	return Result{}, true
}

// label reads which version of access is to be replaced, if that is not known yet.
func (a *attempt) label(ctx context.Context, key store.Key) {
	if !a.read.labelled {
		a.read.accessID, a.read.accessErr = a.Secrets.CurrentID(ctx, key, store.AccessDoc)
		a.read.labelled = a.read.accessErr == nil
	}
}

// unclaim gives back a claim under which nothing was sent, because access cannot be
// reached. No state is kept: what mends that is no edit that a later tick would see.
func (a *attempt) unclaim(ctx context.Context, before store.Row, fingerprint string) Result {
	persist, cancel := a.persistContext(ctx)
	defer cancel()
	a.unspend(fingerprint)
	a.row.LoginFailures, a.row.NotBefore = before.LoginFailures, before.NotBefore
	return a.settleFailed(persist, outcomeOf(a.read.accessErr), a.at(store.AccessDoc, a.read.accessErr))
}

// forget gives back a claim that was made of what is not so. The row is as it was.
func (a *attempt) forget(ctx context.Context, before store.Row, cause error) Result {
	persist, cancel := a.persistContext(ctx)
	defer cancel()
	guard := a.held()
	before.Phase, before.Fence = store.Idle, a.row.Fence
	a.row = before
	err := a.retry(persist, claimTries, func(ctx context.Context) error { return a.Ledger.Write(ctx, a.row, guard) })
	return Result{Outcome: outcome.Transient, Err: errors.Join(cause, err)}
}

// withSpent is the row's list with fingerprint added. While the escrow carries the
// chain, the token of the version that is still current is presented and current at
// once, for longer than the list may be long: it stays among the last.
func (a *attempt) withSpent(fingerprint string) []string {
	spent := slices.Clone(a.row.Spent)
	if a.carried() {
		if current, err := parseChain(a.read.tokens.Value); err == nil && a.spent(current.refreshToken) {
			old := current.refreshToken.Fingerprint()
			spent = append(slices.DeleteFunc(spent, func(s string) bool { return s == old }), old)
		}
	}
	spent = append(spent, fingerprint)
	return spent[max(0, len(spent)-store.SpentKept):]
}

// takeover claims a dead attempt, to finish it under its own attempt id.
func (a *attempt) takeover(ctx context.Context) (Result, bool) {
	return a.take(ctx, a.row)
}

// take writes next as the claim of this run, on the condition that nobody has
// claimed since the row was read.
func (a *attempt) take(ctx context.Context, next store.Row) (Result, bool) {
	a.claimed, a.claimedAt = time.Now(), a.Now()
	deadline, _ := ctx.Deadline()
	next.Phase = store.Sending
	next.ClaimedBy = a.req.RunID
	next.Fence = a.row.Fence + 1
	next.ClaimedUntil = a.Now().Add(time.Until(deadline) + max(claimSlack, 3*a.StoreTimeout))

	guard := a.unchanged()
	mine := func(r store.Row) bool {
		return r.Fence == next.Fence && r.AttemptID == next.AttemptID && r.ClaimedBy == next.ClaimedBy && r.Phase == store.Sending
	}
	// A write that timed out may have been done, or land later. Written again under
	// the same guard it answers for itself: done before shows as ours, and one that
	// lands later finds the fence moved.
	err := a.retry(ctx, claimTries, func(ctx context.Context) error { return a.Ledger.Write(ctx, next, guard) })
	var lost *store.LostError
	switch {
	case err == nil, errors.As(err, &lost) && lost.Exists && mine(lost.Current):
		a.row, a.exists = next, true
		return Result{}, true
	case errors.As(err, &lost):
		return Result{Outcome: outcome.Busy}, false
	case errors.Is(err, store.ErrForbidden):
		return Result{Outcome: outcome.Misconfigured, Err: fmt.Errorf("claim in the ledger: %w", err)}, false
	default:
		return Result{Outcome: outcome.Transient, Err: fmt.Errorf("claim in the ledger: %w", err)}, false
	}
}

// errClaimLost ends a send whose claim somebody took over before it began.
var errClaimLost = errors.New("the claim was taken over")

// send makes one provider call. It begins again only where no byte left.
func (a *attempt) send(
	ctx context.Context, call func(context.Context) (providers.Tokens, error),
) (providers.Tokens, error) {
	wait := retryFirst
	for try := 1; ; try++ {
		if err := a.holds(ctx); err != nil {
			return providers.Tokens{}, err
		}
		callCtx, cancel := context.WithTimeout(ctx, a.SendTimeout+pace.LastWord)
		began := time.Now()
		tokens, err := call(callCtx)
		cancel()
		a.latency = time.Since(began)
		if err == nil {
			if !tokens.ServerDate.IsZero() {
				a.skew, a.clockRead = tokens.ServerDate.Sub(tokens.IssuedAt).Truncate(time.Second), true
			}
			a.warnings = append(a.warnings, tokens.Warnings...)
			return tokens, nil
		}
		if providers.KindOf(err) != providers.NotSent || try == sendTries || a.enough(ctx) != nil {
			return tokens, err
		}
		if !pace.Sleep(ctx, wait) {
			return tokens, err
		}
		wait *= 2
	}
}

// holds checks the fence again if time has passed since the claim. It narrows the
// window in which a stale holder sends; it cannot close it. That a stale holder's
// token is never sent again is what closes it.
func (a *attempt) holds(ctx context.Context) error {
	// The clock of the machine runs on where it sleeps, the process's own stands still.
	if asleep := a.Now().Sub(a.claimedAt); time.Since(a.claimed) < fenceAge && asleep.Abs() < fenceAge {
		return nil
	}
	held, err := a.stillHeld(ctx)
	if err != nil {
		return a.notSent("the claim could not be checked", err)
	}
	if !held {
		return errClaimLost
	}
	if err := a.enough(ctx); err != nil {
		return a.notSent("claiming took too long", err)
	}
	a.claimed, a.claimedAt = time.Now(), a.Now()
	return nil
}

// unchanged is the guard of a write that follows from the row as it was read.
func (a *attempt) unchanged() store.Guard {
	guard := a.row.Unchanged()
	guard.Absent = !a.exists
	return guard
}

// stillHeld reads the row anew and reports whether nobody has claimed since this run
// did, or since it read the row.
func (a *attempt) stillHeld(ctx context.Context) (bool, error) {
	row, exists, err := a.Ledger.Row(ctx, a.row.Key)
	return err == nil && exists && row.Fence == a.row.Fence && row.AttemptID == a.row.AttemptID &&
		row.ClaimedBy == a.row.ClaimedBy && row.Phase == a.row.Phase, err
}

func (a *attempt) notSent(hint string, err error) error {
	return &providers.Error{Kind: providers.NotSent, Provider: a.row.Provider, Op: "send", Hint: hint, Err: err}
}

// retry runs step until it succeeds, fails for good, was tried most times (0: no
// limit) or ctx ends.
func (a *attempt) retry(ctx context.Context, most int, step func(context.Context) error) error {
	wait := retryFirst
	for try := 1; ; try++ {
		err := step(ctx)
		if err == nil || final(err) || try == most {
			return err
		}
		a.Log.WarnContext(ctx, "step failed, trying again",
			"account", a.row.Account, "attempt_id", a.row.AttemptID, "try", try, "error", err)
		if !pace.Sleep(ctx, wait) {
			return err
		}
		wait = min(2*wait, retryMost)
	}
}

// final reports whether trying again cannot help within an attempt.
func final(err error) bool {
	var lost *store.LostError
	var moved *store.MovedError
	return errors.As(err, &lost) || errors.As(err, &moved) || lasting(err) || errors.Is(err, errClaimLost) ||
		errors.Is(err, store.ErrQuota) || errors.Is(err, store.ErrVersionTaken) || errors.Is(err, store.ErrNoVersion)
}
