package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// repair finishes what an idle row still owes, without a provider call: a reply in
// the escrow that the secrets did not take, or an access document that does not
// follow tokens yet. ended is false where the run has to go on, because there was
// nothing to do or because a refresh is due and must not wait for a store.
//
// It needs no claim: compare-and-swap on the secrets, and on the row, keep a faster
// run's work, and a refresh that is made from the escrow meanwhile replaces what is
// repaired. Attempt, state and back-offs stay as they are.
func (a *attempt) repair(ctx context.Context, due bool) (result Result, ended bool) {
	a.look(ctx, false)
	c, err := a.owed(ctx)
	switch {
	case err != nil:
		result = Result{Outcome: outcome.PersistFailed, Err: err}
	case c.attemptID == "":
		return Result{}, false
	case a.req.DryRun:
		return Result{Outcome: outcome.WouldRecover}, true
	default:
		result = a.mend(ctx, c)
	}
	if result.Outcome != outcome.PersistFailed || !due || a.row.Paused {
		return result, true
	}
	a.warnings = append(a.warnings, result.Err.Error())
	return Result{}, false
}

// owed is the chain that the secrets, or access alone, lack; its attempt id is the
// id of its version. Empty: there is none that could be put there.
func (a *attempt) owed(ctx context.Context) (chain, error) {
	if e := a.row.Escrow; a.unpromoted() {
		c, err := parseChain(e.Bytes)
		if err != nil {
			return chain{}, fmt.Errorf("escrow of attempt %s: %w", e.AttemptID, err)
		}
		c.attemptID = e.AttemptID
		return c, nil
	}
	s, settled := a.read, a.row.VersionID
	readable := s.tokensErr == nil && s.chainErr == nil && s.tokens.ID != ""
	if !readable || settled == "" || a.unaccounted() {
		return chain{}, nil
	}
	c := s.chain
	if s.tokens.ID != settled {
		// Reads of the current version may be stale; a read by id is not.
		v, err := a.Secrets.ByID(ctx, a.row.Key, store.TokensDoc, settled)
		if errors.Is(err, store.ErrNoVersion) {
			return chain{}, nil
		}
		if err == nil {
			c, err = parseChain(v.Value)
		}
		if err != nil {
			return chain{}, a.at(store.TokensDoc, err)
		}
	}
	if c.accessToken.Blank() || c.accessExpiresAt.IsZero() {
		return chain{}, nil
	}
	c.attemptID = settled
	return c, nil
}

// mend puts c where it is owed.
func (a *attempt) mend(ctx context.Context, c chain) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	k := kept{tokensCurrent: true, access: errNotStaged}
	if a.unpromoted() {
		k = a.restage(ctx, c)
	}
	tokens, access := a.swap(ctx, c, k)

	result := Result{Outcome: outcome.Recovered, Source: c.source, VersionID: c.attemptID, AccessExpiresAt: c.accessExpiresAt}
	next := a.row
	var moved *store.MovedError
	switch {
	case errors.As(tokens, &moved):
		result = Result{Outcome: outcome.Superseded, VersionID: moved.Current}
		next = a.superseded(ctx, moved.Current)
	case errors.Is(access, errClaimLost): // a faster run is at it
		return Result{Outcome: outcome.Busy}
	case tokens != nil, access != nil && !a.unpromoted():
		return Result{Outcome: outcome.PersistFailed, Err: errors.Join(a.at(store.TokensDoc, tokens), a.at(store.AccessDoc, access))}
	default:
		if a.unpromoted() {
			next.SeenVersionID = c.attemptID // the change is ours and no person's
		}
		next.VersionID, next.Escrow, next.AccessExpiresAt = c.attemptID, store.Escrow{}, c.accessExpiresAt
		if access == nil {
			next.PublishedVersionID = c.attemptID
		} else {
			result.Outcome, result.Err = outcome.PersistFailed, a.at(store.AccessDoc, access)
		}
	}
	return a.settleRepair(ctx, next, result)
}

// settleRepair writes down what was repaired, unless another run has claimed since.
func (a *attempt) settleRepair(ctx context.Context, next store.Row, result Result) Result {
	before, guard := a.row, a.unchanged()
	a.row = next
	a.count(result.Outcome, result.Err)
	err := a.retry(ctx, claimTries, func(ctx context.Context) error { return a.Ledger.Write(ctx, a.row, guard) })
	var lost *store.LostError
	switch {
	case errors.As(err, &lost):
		return Result{Outcome: outcome.Busy}
	case err != nil:
		a.row = before
		return Result{Outcome: outcome.PersistFailed, Err: fmt.Errorf("settle in the ledger: %w", err)}
	}
	return result
}
