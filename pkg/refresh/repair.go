package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
)

// repair finishes what an idle row still owes, without a provider call: a reply in
// the escrow that the secrets did not take, or an access document that does not
// follow tokens yet. ended is false where the run has to go on, because there was
// nothing to do or because a refresh is due and must not wait for a store.
func (a *attempt) repair(ctx context.Context, due bool) (result Result, ended bool) {
	if a.req.DryRun {
		return Result{Outcome: outcome.WouldRecover}, true
	}
	a.look(ctx, false)
	if a.unpromoted() {
		result = a.promoteEscrow(ctx)
	} else if !a.publishable() {
		return Result{}, false
	} else {
		result = a.republish(ctx)
	}
	if result.Outcome != outcome.PersistFailed || !due || a.row.Paused {
		return result, true
	}
	a.warnings = append(a.warnings, result.Err.Error())
	return Result{}, false
}

// promoteEscrow puts the escrow's reply into the secrets, under its attempt id.
func (a *attempt) promoteEscrow(ctx context.Context) Result {
	next := a.row
	next.AttemptID = next.Escrow.AttemptID
	if result, ok := a.take(ctx, next); !ok {
		return result
	}
	c, err := parseChain(a.row.Escrow.Bytes)
	if err != nil {
		return a.postpone(ctx, fmt.Errorf("escrow of attempt %s: %w", next.AttemptID, err))
	}
	return a.finish(ctx, c, false)
}

// publishable reports whether the current version of tokens holds an access token
// that readers may have.
func (a *attempt) publishable() bool {
	s := a.read
	return s.tokensErr == nil && s.chainErr == nil && s.accessErr == nil && s.tokens.ID != "" &&
		!s.chain.accessToken.Blank() && !s.chain.accessExpiresAt.IsZero() && !a.unaccounted()
}

// republish makes access follow the current version of tokens. It needs no claim:
// compare-and-swap on access, and on the row, keep a faster run's work.
func (a *attempt) republish(ctx context.Context) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	s := a.read
	guard := Guard{Fence: a.row.Fence, Phase: Idle}
	err := a.publish(ctx, s.chain, s.tokens.ID, s.accessID)
	if err == nil {
		a.row.VersionID = s.tokens.ID
		a.row.PublishedVersionID = s.tokens.ID
		a.row.AccessExpiresAt = s.chain.accessExpiresAt
		a.count(outcome.Recovered)
		err = a.retry(ctx, claimTries, func(ctx context.Context) error { return a.Ledger.Write(ctx, a.row, guard) })
	}
	var lost *LostError
	if errors.As(err, &lost) {
		return Result{Outcome: outcome.Busy}
	}
	if err != nil {
		return Result{Outcome: outcome.PersistFailed, Err: fmt.Errorf("secret %s: %w", AccessDoc, err)}
	}
	return Result{
		Outcome: outcome.Recovered, Source: s.chain.source, VersionID: s.tokens.ID, AccessExpiresAt: s.chain.accessExpiresAt,
	}
}
