package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// recover finishes an attempt that died, under its own attempt id. It is the one
// door through which killed processes, timeouts, failed stores and late writes
// come back.
func (a *attempt) recover(ctx context.Context) Result {
	if a.req.DryRun {
		return Result{Outcome: outcome.WouldRecover}
	}
	if result, ok := a.takeover(ctx); !ok {
		return result
	}
	a.look(ctx, true)
	if a.read.stagedErr != nil {
		// Whether the version is there decides all; without an answer nothing is done.
		return a.postpone(ctx, a.at(store.TokensDoc, a.read.stagedErr))
	}
	if a.read.staged.ID != "" {
		c, err := parseChain(a.read.staged.Value)
		if err != nil {
			return a.postpone(ctx, a.at(store.TokensDoc, fmt.Errorf("version %s: %w", a.read.staged.ID, err)))
		}
		return a.finish(ctx, c, true)
	}
	if e := a.row.Escrow; e.AttemptID == a.row.AttemptID && !e.Raw {
		c, err := parseChain(e.Bytes)
		if err != nil {
			return a.postpone(ctx, fmt.Errorf("escrow of attempt %s: %w", e.AttemptID, err))
		}
		return a.finish(ctx, c, false)
	}
	if c, ok := a.decodeRaw(); ok && c.attemptID == a.row.AttemptID {
		return a.finish(ctx, c, false)
	}
	return a.lost(ctx)
}

// finish promotes what an attempt had stored. staged: as a version of tokens
// already; else exactly the bytes of the escrow are put first.
func (a *attempt) finish(ctx context.Context, c chain, staged bool) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	c.attemptID = a.row.AttemptID
	k := kept{tokensCurrent: a.read.tokens.ID == c.attemptID, access: errNotStaged}
	if !staged {
		k = a.restage(ctx, c)
	}
	return a.promote(ctx, c, k, outcome.Recovered)
}

// restage puts c, of which there is an escrow, into tokens; access follows by itself.
func (a *attempt) restage(ctx context.Context, c chain) kept {
	ctx, cancel := context.WithTimeout(ctx, a.StoreTimeout/2)
	defer cancel()
	k := kept{access: errNotStaged}
	k.tokensCurrent, k.tokens = a.stage(ctx, store.TokensDoc, c)
	return k
}

// errNotStaged sends access through publish, which stages it.
var errNotStaged = errors.New("not staged yet")

// postpone leaves a taken-over attempt to the next tick: the claim ends now.
func (a *attempt) postpone(ctx context.Context, cause error) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	guard := a.held()
	a.row.ClaimedUntil = a.Now()
	err := a.retry(ctx, claimTries, func(ctx context.Context) error { return a.Ledger.Write(ctx, a.row, guard) })
	return Result{Outcome: outcomeOf(cause), Err: errors.Join(cause, err)}
}

// lost follows an attempt of which nothing is left: whether the provider acted,
// nobody knows. Its token stays spent.
func (a *attempt) lost(ctx context.Context) Result {
	cause := fmt.Errorf("attempt %s (%s) died and left no reply", a.row.AttemptID, a.row.AttemptSource)
	s := a.read
	for _, err := range []error{s.credentialsErr, s.tokensErr} {
		if err != nil && !lasting(err) && !errors.Is(err, store.ErrNoValue) {
			return a.postpone(ctx, errors.Join(cause, err))
		}
	}
	if s.tokensErr == nil && s.tokens.ID != a.row.BaseVersionID && s.tokens.ID != a.row.VersionID {
		if err := a.confirm(ctx); err != nil {
			return a.postpone(ctx, errors.Join(cause, err))
		}
		ctx, cancel := a.persistContext(ctx)
		defer cancel()
		return a.settleSuperseded(ctx, s.tokens.ID)
	}
	if a.row.Paused {
		a.row.RefreshAt = a.Now()
		return a.release(ctx, outcome.Paused, cause)
	}
	return a.fallBack(ctx, store.Uncertain, cause)
}

// decodeRaw reads the reply that could not be read when it came.
func (a *attempt) decodeRaw() (chain, bool) {
	e := a.row.Escrow
	if !e.Raw || e.AttemptID == "" || a.read.session == nil {
		return chain{}, false
	}
	tokens, err := a.read.session.Decode(e.Bytes, e.Sent)
	if err != nil {
		return chain{}, false
	}
	source := store.FromRefresh
	if e.AttemptID == a.row.AttemptID {
		source = a.row.AttemptSource
	}
	return newChain(tokens, a.read.chain, source, e.AttemptID), true
}

// rereadRaw finishes the attempt whose reply could not be read, where it can be
// now, because a person corrected the credentials. A seed that a person put there
// meanwhile stands.
func (a *attempt) rereadRaw(ctx context.Context) (Result, bool) {
	c, ok := a.decodeRaw()
	if !ok || a.outdated() {
		return Result{}, false
	}
	if a.req.DryRun {
		return Result{Outcome: outcome.WouldRecover}, true
	}
	next := a.row
	next.AttemptID, next.AttemptSource = c.attemptID, c.source
	if result, ok := a.take(ctx, next); !ok {
		return result, true
	}
	return a.finish(ctx, c, false), true
}
