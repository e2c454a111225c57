package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
)

// publishTries bounds the races over access that one attempt runs.
const publishTries = 3

// promote makes c, kept before, the current version of tokens and access, and
// settles the attempt.
func (a *attempt) promote(ctx context.Context, c chain, k kept, success outcome.Outcome) Result {
	tokens, access := a.swap(ctx, c, k)
	var moved *MovedError
	switch {
	case errors.As(tokens, &moved):
		return a.settleSuperseded(ctx, moved.Current)
	case tokens != nil:
		return a.settleKept(ctx, c, errors.Join(a.at(TokensDoc, tokens), a.at(AccessDoc, access)))
	}
	return a.settleStored(ctx, c, access, success)
}

// swap makes c current where it was kept. A quarter of the budget is for this, so
// that the row can be settled whatever the secrets do.
func (a *attempt) swap(ctx context.Context, c chain, k kept) (tokens, access error) {
	ctx, cancel := context.WithTimeout(ctx, a.StoreTimeout/4)
	defer cancel()
	tokens, access = k.tokens, k.access
	var steps []func()
	if k.access == nil && !k.accessCurrent && k.held {
		// In the same moment as tokens, and also where tokens takes no version: readers
		// wait for it. If tokens turns out to be somebody else's, the row stays due and
		// access is made to follow. That the escrow was written says that the claim was
		// ours when the label had been read.
		steps = append(steps, func() {
			access = a.Secrets.Promote(ctx, a.row.Key, AccessDoc, a.read.accessID, c.attemptID)
		})
	}
	if k.tokens == nil && !k.tokensCurrent {
		steps = append(steps, func() { tokens = a.promoteTokens(ctx, c, k.held) })
	}
	together(steps...)
	var moved *MovedError
	if unpublished := access != nil || k.escrow != nil && !k.accessCurrent; unpublished && !errors.As(tokens, &moved) {
		access = a.publish(ctx, c, c.attemptID)
	}
	return tokens, access
}

// promoteTokens is the compare-and-swap of the chain, from the version that was
// current before the claim. A version whose refresh token was presented is replaced
// too: an ancestor that became current late, by a write that had been given up, or a
// person's edit that kept the token. So is what another attempt wrote, where this one
// was not recovered and still holds its claim: it is an older one, of which the row
// knew nothing. Anybody else's version stands.
func (a *attempt) promoteTokens(ctx context.Context, c chain, held bool) error {
	return a.retry(ctx, 0, func(ctx context.Context) error {
		err := a.Secrets.Promote(ctx, a.row.Key, TokensDoc, a.row.BaseVersionID, c.attemptID)
		var moved *MovedError
		if !errors.As(err, &moved) {
			return err
		}
		presented, attempted, readErr := a.standing(ctx, moved.Current)
		if readErr != nil {
			return readErr
		}
		if attempted && held && !presented {
			presented, readErr = a.stillHeld(ctx)
		}
		if readErr != nil {
			return readErr
		}
		if presented {
			return a.Secrets.Promote(ctx, a.row.Key, TokensDoc, moved.Current, c.attemptID)
		}
		return err
	})
}

// standing reports of version id of tokens whether its refresh token has been
// presented, and whether an attempt wrote it.
func (a *attempt) standing(ctx context.Context, id string) (presented, attempted bool, err error) {
	v, err := a.Secrets.ByID(ctx, a.row.Key, TokensDoc, id)
	if errors.Is(err, ErrNoVersion) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("read version %s: %w", id, err)
	}
	c, err := parseChain(v.Value)
	if err != nil {
		return false, false, nil //nolint:nilerr // a person's, whatever it is
	}
	return a.spent(c.refreshToken), c.attemptID == id, nil
}

// publish makes access follow version id of tokens, whose content is c. It stops where
// somebody has claimed since: access may be theirs already.
func (a *attempt) publish(ctx context.Context, c chain, id string) error {
	c.attemptID = id
	current, err := a.stage(ctx, AccessDoc, c)
	if err != nil || current {
		return err
	}
	if a.label(ctx, a.row.Key); a.read.accessErr != nil {
		return a.read.accessErr
	}
	from := a.read.accessID
	return a.retry(ctx, 0, func(ctx context.Context) error {
		for range publishTries {
			// After the label was read: whoever claims from here on moves it.
			held, err := a.stillHeld(ctx)
			if err != nil {
				return err
			}
			if !held {
				return errClaimLost
			}
			err = a.Secrets.Promote(ctx, a.row.Key, AccessDoc, from, id)
			var moved *MovedError
			if !errors.As(err, &moved) {
				return err
			}
			from = moved.Current
		}
		return fmt.Errorf("given up after %d races", publishTries)
	})
}
