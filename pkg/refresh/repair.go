package refresh

import (
	"context"
	"errors"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// finish promotes the reply that an attempt has left. Unless it is a version of tokens already, it
// is staged first: exactly the bytes of the escrow, or the decoded raw reply.
func (a *visit) finish(ctx context.Context, s Step) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	k := copies{tokensCurrent: a.v.Tokens.ID == s.chain.attemptID, access: errNotStaged}
	if !s.staged {
		k = a.restage(ctx, s.chain)
	}
	return a.promote(ctx, s.chain, k, outcome.Recovered)
}

// restage stages c as a version of tokens. publish does the same for access.
func (a *visit) restage(ctx context.Context, c chain) copies {
	ctx, cancel := context.WithTimeout(ctx, a.StoreTimeout/2)
	defer cancel()
	k := copies{access: errNotStaged}
	k.tokensCurrent, k.tokens = a.stage(ctx, store.TokensDoc, c)
	return k
}

// errNotStaged: access has no version of the chain yet; publish stages it.
var errNotStaged = errors.New("not staged yet")

// repair completes an idle row without a provider call: it puts a reply from the escrow into the
// secrets, or lets access follow tokens. ended is false if it failed and a refresh is due, which
// must not wait for a store.
//
// It needs no claim. Compare-and-swap, on the secrets and on the row, protects a faster run's
// work, and a refresh from the escrow that comes in between replaces what was repaired.
func (a *visit) repair(ctx context.Context, s Step) (result Result, ended bool) {
	result = Result{Outcome: outcome.PersistFailed, Err: s.Err}
	if s.Err == nil {
		result = a.mend(ctx, s.chain)
	}
	if result.Outcome != outcome.PersistFailed || !a.v.due() || a.v.Row.Paused {
		return result, true
	}
	a.warnings = append(a.warnings, result.Err.Error())
	a.v.repaired = true
	a.v.readings = readings{}
	return Result{}, false
}

// mend puts c where it is missing, and records that.
func (a *visit) mend(ctx context.Context, c chain) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	k := copies{tokensCurrent: true, access: errNotStaged}
	if hasEscrow(a.v.Row) {
		k = a.restage(ctx, c)
	}
	tokens, access := a.swap(ctx, c, k)
	a.v.Now = a.Now()

	result := Result{Outcome: outcome.Recovered, Source: c.source, VersionID: c.attemptID, AccessExpiresAt: c.accessExpiresAt}
	if moved, ok := errors.AsType[*store.MovedError](tokens); ok {
		result = Result{Outcome: outcome.Superseded, VersionID: moved.Current}
		return a.settleRepair(ctx, edgeSupersede, supersedeIdle(a.v, moved.Current, a.theirs(ctx, moved.Current)), result)
	}
	switch {
	case errors.Is(access, errClaimLost): // a faster run has claimed
		return Result{Outcome: outcome.Busy}
	case tokens != nil, access != nil && !hasEscrow(a.v.Row):
		cause := errors.Join(a.v.at(store.TokensDoc, tokens), a.v.at(store.AccessDoc, access))
		return Result{Outcome: outcome.PersistFailed, Err: cause}
	case access != nil:
		result.Outcome, result.Err = outcome.PersistFailed, a.v.at(store.AccessDoc, access)
	}
	return a.settleRepair(ctx, edgeRepair, repair(a.v, c, access, result.Outcome, result.Err), result)
}

// settleRepair writes what was repaired, unless another run has claimed since.
func (a *visit) settleRepair(ctx context.Context, e edge, next store.Row, result Result) Result {
	before := a.v.Row
	if err := a.become(ctx, e, next, condition{guard: a.v.unchanged(), tries: claimTries}); err != nil {
		result = unwritten(err)
		if result.Outcome != outcome.Busy {
			result.Outcome = outcome.PersistFailed
		}
		return result
	}
	a.wipeRaw(ctx, before, next)
	return result
}
