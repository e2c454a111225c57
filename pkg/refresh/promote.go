package refresh

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tokenrefresh/pkg/outcome"
)

// publishTries bounds the races over access that one attempt runs.
const publishTries = 3

// promote makes c, kept before, the current version of tokens and access, and
// settles the attempt.
func (a *attempt) promote(ctx context.Context, c chain, k kept, success outcome.Outcome) Result {
	var wg sync.WaitGroup
	published := k.access
	if k.access == nil && !k.accessCurrent && k.tokens == nil {
		// In the same moment as tokens: readers wait for it. If tokens turns out to
		// be somebody else's, the row stays due and access is made to follow.
		wg.Go(func() { published = a.Secrets.Promote(ctx, a.row.Key, AccessDoc, a.read.accessID, c.attemptID) })
	}
	err := k.tokens
	if err == nil && !k.tokensCurrent {
		err = a.promoteTokens(ctx, c)
	}
	wg.Wait()

	var moved *MovedError
	if errors.As(err, &moved) {
		return a.settleSuperseded(ctx, moved.Current)
	}
	if err != nil {
		return a.settleKept(ctx, c, fmt.Errorf("secret %s: %w", TokensDoc, err))
	}
	if published != nil {
		published = a.publish(ctx, c, c.attemptID, a.read.accessID)
	}
	return a.settleStored(ctx, c, published, success)
}

// promoteTokens is the compare-and-swap of the chain: from the version that was
// current before the claim, or from the attempt whose escrow was refreshed.
func (a *attempt) promoteTokens(ctx context.Context, c chain) error {
	from := a.row.BaseVersionID
	return a.retry(ctx, 0, func(ctx context.Context) error {
		err := a.Secrets.Promote(ctx, a.row.Key, TokensDoc, from, c.attemptID)
		var moved *MovedError
		if errors.As(err, &moved) && moved.Current != "" && moved.Current == a.read.chain.attemptID && moved.Current != from {
			return a.Secrets.Promote(ctx, a.row.Key, TokensDoc, moved.Current, c.attemptID)
		}
		return err
	})
}

// publish makes access follow version id of tokens, whose content is c. from is
// the version of access to replace. It stops where tokens has moved on.
func (a *attempt) publish(ctx context.Context, c chain, id, from string) error {
	c.attemptID = id
	current, err := a.stage(ctx, AccessDoc, c)
	if err != nil || current {
		return err
	}
	return a.retry(ctx, 0, func(ctx context.Context) error {
		for range publishTries {
			err = a.Secrets.Promote(ctx, a.row.Key, AccessDoc, from, id)
			var moved *MovedError
			if !errors.As(err, &moved) {
				return err
			}
			holder, readErr := a.Secrets.CurrentID(ctx, a.row.Key, TokensDoc)
			if readErr != nil {
				return readErr
			}
			if holder != id {
				return err
			}
			from = moved.Current
		}
		return err
	})
}
