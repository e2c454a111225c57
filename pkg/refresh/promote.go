package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// publishTries bounds the races over access that one attempt runs.
const publishTries = 3

// promote makes c, kept before, the current version of tokens and access, and settles the
// attempt.
func (a *attempt) promote(ctx context.Context, c chain, k kept, success outcome.Outcome) Result {
	tokens, access := a.swap(ctx, c, k)
	a.v.Now = a.Now()
	before := a.v.Row
	result := Result{Outcome: success, Source: c.source, AttemptID: c.attemptID, AccessExpiresAt: c.accessExpiresAt}
	var moved *store.MovedError
	var settled Result
	switch {
	case errors.As(tokens, &moved):
		return a.supersede(ctx, moved.Current)
	case tokens != nil:
		cause := errors.Join(a.v.at(store.TokensDoc, tokens), a.v.at(store.AccessDoc, access))
		result.Outcome = outcome.PersistFailed
		result.Err = fmt.Errorf("the reply is kept, but not current yet: %w", cause)
		settled = a.settle(ctx, edgeCarry, carryChain(a.v, c, cause), outcome.PersistFailed, nil)
	default:
		result.VersionID = c.attemptID
		if endsFirst(c) && !a.v.CanLogin() {
			a.warnings = append(a.warnings, "the refresh token ends before the access token: it is renewed in time, "+
				"and lost after a longer outage or pause; put a login into the secret "+a.v.name(store.Credentials))
		}
		if access != nil {
			result.Outcome, result.Err = outcome.PersistFailed, a.v.at(store.AccessDoc, access)
		}
		next := storeChain(a.v, c, access, result.Outcome, result.Err)
		settled = a.settle(ctx, edgeStore, next, result.Outcome, nil)
	}
	if settled.Err != nil {
		result.Outcome = outcome.PersistFailed
	}
	result.Err = errors.Join(result.Err, settled.Err)
	if settled.Err == nil {
		a.forgetRaw(ctx, before, a.v.Row)
	}
	return result
}

// supersede lets version id of tokens stand, which somebody else has put there.
func (a *attempt) supersede(ctx context.Context, id string) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	next := supersedeClaimed(a.v, id, a.theirs(ctx, id))
	result := a.settle(ctx, edgeSupersede, next, outcome.Superseded, nil)
	result.VersionID = id
	return result
}

// theirs reads what version id of tokens holds; nil: it could not be read.
func (a *attempt) theirs(ctx context.Context, id string) *chain {
	v, err := a.Secrets.ByID(ctx, a.v.Row.Key, store.TokensDoc, id)
	if err != nil {
		return nil
	}
	c, err := parseChain(v.Value)
	if err != nil {
		return &chain{} // nobody's attempt
	}
	return &c
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
		// access is made to follow. The label was read while the claim was ours.
		steps = append(steps, func() {
			access = a.retry(ctx, publishTries, func(ctx context.Context) error {
				return a.Secrets.Promote(ctx, a.v.Row.Key, store.AccessDoc, a.v.access.ID, c.attemptID)
			})
		})
	}
	if k.tokens == nil && !k.tokensCurrent {
		steps = append(steps, func() { tokens = a.promoteTokens(ctx, c, k.held) })
	}
	together(steps...)
	var moved *store.MovedError
	if unpublished := access != nil || !k.held && !k.accessCurrent; unpublished && !errors.As(tokens, &moved) {
		access = a.publish(ctx, c, c.attemptID)
	}
	return tokens, access
}

// promoteTokens is the compare-and-swap of the chain, from the version that was
// current before the claim. own: it is this run's own reply, and not a recovered one.
func (a *attempt) promoteTokens(ctx context.Context, c chain, own bool) error {
	return a.retry(ctx, 0, func(ctx context.Context) error {
		err := a.Secrets.Promote(ctx, a.v.Row.Key, store.TokensDoc, a.v.Row.BaseVersionID, c.attemptID)
		var moved *store.MovedError
		if !errors.As(err, &moved) {
			return err
		}
		replace, readErr := a.replaceable(ctx, moved.Current, own)
		if readErr != nil {
			return readErr
		}
		if replace {
			return a.Secrets.Promote(ctx, a.v.Row.Key, store.TokensDoc, moved.Current, c.attemptID)
		}
		return err
	})
}

// replaceable reports whether version id of tokens, which became current since the
// claim, does not stand. One whose refresh token was presented does not: an ancestor
// that became current late, by a write that had been given up, or a person's edit that
// kept the token. Nor does one that another attempt wrote, where own still holds the
// claim: it is older, and the row knew nothing of it.
func (a *attempt) replaceable(ctx context.Context, id string, own bool) (bool, error) {
	v, err := a.Secrets.ByID(ctx, a.v.Row.Key, store.TokensDoc, id)
	if errors.Is(err, store.ErrNoVersion) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read version %s: %w", id, err)
	}
	c, err := parseChain(v.Value)
	switch readable := err == nil; {
	case readable && a.v.presented(c.refreshToken):
		return true, nil
	case readable && own && c.attemptID == id:
		return a.stillHeld(ctx)
	}
	return false, nil
}

// publish makes access follow version id of tokens, whose content is c. It stops where
// somebody has claimed since: access may be theirs already.
func (a *attempt) publish(ctx context.Context, c chain, id string) error {
	c.attemptID = id
	current, err := a.stage(ctx, store.AccessDoc, c)
	if err != nil || current {
		return err
	}
	if a.v.access = a.readAccess(ctx, a.v.Row); a.v.access.Err != nil {
		return a.v.access.Err
	}
	from := a.v.access.ID
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
			err = a.Secrets.Promote(ctx, a.v.Row.Key, store.AccessDoc, from, id)
			var moved *store.MovedError
			if !errors.As(err, &moved) {
				return err
			}
			from = moved.Current
		}
		return fmt.Errorf("given up after %d races", publishTries)
	})
}
