package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// copies is where a reply is kept: the error of each place, nil if it is there.
type copies struct {
	tokens        error
	tokensCurrent bool // a secret's very first version is current at once
	access        error
	accessCurrent bool
	escrow        error
	held          bool // the claim was still this run's when the reply was kept; false for a recovered reply
}

// store keeps a reply before anything may reject it, and makes it current.
func (a *visit) store(ctx context.Context, c chain, success outcome.Outcome) Result {
	source := a.v.Row.AttemptSource
	a.v.Row = intoEscrow(a.v.Row, c) // as it is written below, perhaps in vain
	k := a.keep(ctx, c)
	if k.nowhere() {
		a.keepAnywhere(ctx, c, &k)
	}
	result := Result{Outcome: outcome.PersistFailed, Source: source, AttemptID: a.v.Row.AttemptID}
	lost, lostClaim := errors.AsType[*store.LostError](k.escrow)
	lostClaim = lostClaim && lost.Exists && lost.Current.Fence > a.v.Row.Fence
	k.held = k.escrow == nil || !lostClaim && a.Now().Before(a.v.Row.ClaimedUntil)
	switch {
	case lostClaim:
		// Too late: the run that took over has decided without this reply. If it has not logged
		// in, a later tick finds the version.
		result.Outcome, result.VersionID = outcome.Superseded, lost.Current.VersionID
		result.Warnings = []string{"the attempt was taken over before its reply was stored"}
		return result
	case k.nowhere():
		result.Err = fmt.Errorf("the reply could be kept nowhere and is lost; a login replaces it once the claim has run out: %w",
			errors.Join(a.v.at(store.TokensDoc, k.tokens), k.escrow))
		return result
	case !k.held:
		result.Err = fmt.Errorf("the claim ran out before the reply was stored: the next tick finds it: %w", k.escrow)
		return result
	}
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	return a.promote(ctx, c, k, success)
}

// nowhere reports whether neither store has the chain.
func (k copies) nowhere() bool { return k.tokens != nil && k.escrow != nil }

// keep writes the reply to both stores at once. Half of the budget is for this;
// either store is enough to go on.
func (a *visit) keep(ctx context.Context, c chain) copies {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.StoreTimeout/2)
	defer cancel()
	var k copies
	together(
		func() { k.tokensCurrent, k.tokens = a.stage(ctx, store.TokensDoc, c) },
		func() { k.accessCurrent, k.access = a.stage(ctx, store.AccessDoc, c) },
		func() { k.escrow = a.escrow(ctx) },
	)
	return k
}

// keepAnywhere tries until one of the stores takes the reply, which may be the only copy of the
// next refresh token. It has all the time that the run has left, and at least half of the budget.
func (a *visit) keepAnywhere(ctx context.Context, c chain, k *copies) {
	deadline, _ := ctx.Deadline()
	until := deadline.Add(-a.StoreTimeout / 2)
	// A process that was frozen wakes up after its time, and must still offer the reply.
	if fresh := time.Now().Add(a.StoreTimeout / 2); until.Before(fresh) {
		until = fresh
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	together(
		func() {
			if k.tokensCurrent, k.tokens = a.stage(ctx, store.TokensDoc, c); k.tokens == nil {
				cancel()
			}
		},
		func() {
			if k.escrow = a.escrow(ctx); k.escrow == nil {
				cancel()
			}
		},
	)
	if k.tokens != nil && k.escrow == nil { // that try was cut short, and AWS may be back for both
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.StoreTimeout/4)
		defer cancel()
		k.tokensCurrent, k.tokens = a.stage(ctx, store.TokensDoc, c)
	}
}

// escrow writes the row, with the reply in it, under the claim.
func (a *visit) escrow(ctx context.Context) error {
	return a.commit(ctx, edgeKeep, a.v.Row, condition{guard: a.v.held()})
}

// stage stores c's version of doc. If there is a version of that id already, an earlier try or
// another process has stored it for the same attempt.
func (a *visit) stage(ctx context.Context, doc store.Document, c chain) (current bool, err error) {
	v := store.Version{ID: c.attemptID, Value: c.document()}
	if doc == store.AccessDoc {
		v.Value = c.access(a.v.Row.Key)
	}
	err = a.retry(ctx, 0, func(ctx context.Context) error {
		current, err = a.Secrets.Stage(ctx, a.v.Row.Key, doc, v)
		return err
	})
	if errors.Is(err, store.ErrVersionTaken) {
		err = nil
	}
	return current, err
}
