package refresh

import (
	"context"
	"errors"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// finish promotes what an attempt had stored: as a version of tokens already, or else exactly
// the bytes of the escrow are put first.
func (a *attempt) finish(ctx context.Context, s Step) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	k := kept{tokensCurrent: a.v.Tokens.ID == s.chain.attemptID, access: errNotStaged}
	if !s.staged {
		k = a.restage(ctx, s.chain)
	}
	return a.promote(ctx, s.chain, k, outcome.Recovered)
}

// restage puts c, which the escrow holds, into tokens; access follows by itself.
func (a *attempt) restage(ctx context.Context, c chain) kept {
	ctx, cancel := context.WithTimeout(ctx, a.StoreTimeout/2)
	defer cancel()
	k := kept{access: errNotStaged}
	k.tokensCurrent, k.tokens = a.stage(ctx, store.TokensDoc, c)
	return k
}

// errNotStaged sends access through publish, which stages it.
var errNotStaged = errors.New("not staged yet")

// repair does what an idle row owes, without a provider call: a reply in the escrow that the
// secrets did not take, or an access document that does not follow tokens yet. ended is false
// if the run goes on, because a refresh is due and must not wait for a store.
//
// It needs no claim: compare-and-swap on the secrets, and on the row, keep a faster run's
// work, and a refresh that is made from the escrow meanwhile replaces what is repaired.
func (a *attempt) repair(ctx context.Context, s Step) (result Result, ended bool) {
	result = Result{Outcome: outcome.PersistFailed, Err: s.Err}
	if s.Err == nil {
		result = a.mend(ctx, s.chain)
	}
	if result.Outcome != outcome.PersistFailed || !a.v.due() || a.v.Row.Paused {
		return result, true
	}
	a.warnings = append(a.warnings, result.Err.Error())
	a.v.repaired = true
	a.v = a.v.unread()
	return Result{}, false
}

// mend puts c where it is owed, and writes that down.
func (a *attempt) mend(ctx context.Context, c chain) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	k := kept{tokensCurrent: true, access: errNotStaged}
	if carries(a.v.Row) {
		k = a.restage(ctx, c)
	}
	tokens, access := a.swap(ctx, c, k)
	a.v.Now = a.Now()

	result := Result{Outcome: outcome.Recovered, Source: c.source, VersionID: c.attemptID, AccessExpiresAt: c.accessExpiresAt}
	var moved *store.MovedError
	switch {
	case errors.As(tokens, &moved):
		result = Result{Outcome: outcome.Superseded, VersionID: moved.Current}
		return a.settleRepair(ctx, edgeSupersede, supersedeIdle(a.v, moved.Current, a.theirs(ctx, moved.Current)), result)
	case errors.Is(access, errClaimLost): // a faster run is at it
		return Result{Outcome: outcome.Busy}
	case tokens != nil, access != nil && !carries(a.v.Row):
		cause := errors.Join(a.v.at(store.TokensDoc, tokens), a.v.at(store.AccessDoc, access))
		return Result{Outcome: outcome.PersistFailed, Err: cause}
	case access != nil:
		result.Outcome, result.Err = outcome.PersistFailed, a.v.at(store.AccessDoc, access)
	}
	return a.settleRepair(ctx, edgeRepair, repair(a.v, c, access, result.Outcome, result.Err), result)
}

// settleRepair writes what was repaired, unless another run has claimed since.
func (a *attempt) settleRepair(ctx context.Context, e edge, next store.Row, result Result) Result {
	before := a.v.Row
	err := a.become(ctx, e, next, condition{guard: a.v.unchanged(), tries: claimTries})
	var lost *store.LostError
	switch {
	case errors.As(err, &lost):
		return Result{Outcome: outcome.Busy}
	case err != nil:
		return Result{Outcome: outcome.PersistFailed, Err: err}
	}
	a.forgetRaw(ctx, before, next)
	return result
}
