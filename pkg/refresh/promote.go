package refresh

import (
	"context"
	"errors"
	"fmt"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/store"
)

// publishTries is how often an attempt tries again after somebody else has promoted access.
const publishTries = 3

// promote makes c, which was kept before, the current version of tokens and access, and settles
// the attempt.
func (a *visit) promote(ctx context.Context, c chain, k copies, success outcome.Outcome) Result {
	tokens, access := a.swap(ctx, c, k)
	a.v.Now = a.Now()
	before := a.v.Row
	result := Result{Outcome: success, Source: c.source, AttemptID: c.attemptID, AccessExpiresAt: c.accessExpiresAt}
	if moved, ok := errors.AsType[*store.MovedError](tokens); ok {
		return a.supersede(ctx, moved.Current)
	}
	var written Result
	switch {
	case tokens != nil:
		cause := errors.Join(a.v.at(store.TokensDoc, tokens), a.v.at(store.AccessDoc, access))
		result.Outcome = outcome.PersistFailed
		result.Err = fmt.Errorf("the reply is kept, but not current yet: %w", cause)
		written = a.settle(ctx, edgeCarry, carryChain(a.v, c, cause), outcome.PersistFailed, nil)
	default:
		result.VersionID = c.attemptID
		if endsFirst(c) && !a.v.canLogin {
			a.warnings = append(a.warnings, "the refresh token ends before the access token: it is renewed in time, "+
				"and lost after a longer outage or pause; put a login into the secret "+a.v.name(store.Credentials))
		}
		if access != nil {
			result.Outcome, result.Err = outcome.PersistFailed, a.v.at(store.AccessDoc, access)
		}
		next := storeChain(a.v, c, access, result.Outcome, result.Err)
		written = a.settle(ctx, edgeStore, next, result.Outcome, nil)
	}
	if written.Err != nil {
		result.Outcome = outcome.PersistFailed
	}
	result.Err = errors.Join(result.Err, written.Err)
	if written.Err == nil {
		a.wipeRaw(ctx, before, a.v.Row)
	}
	return result
}

// supersede lets somebody else's version id of tokens stand.
func (a *visit) supersede(ctx context.Context, id string) Result {
	ctx, cancel := a.persistContext(ctx)
	defer cancel()
	next := supersedeClaimed(a.v, id, a.theirs(ctx, id))
	result := a.settle(ctx, edgeSupersede, next, outcome.Superseded, nil)
	result.VersionID = id
	return result
}

// theirs reads what version id of tokens holds; nil: it could not be read.
func (a *visit) theirs(ctx context.Context, id string) *chain {
	v, err := a.Secrets.ByID(ctx, a.v.Row.Key, store.TokensDoc, id)
	if err != nil {
		return nil
	}
	c, err := parseChain(v.Value)
	if err != nil {
		return &chain{} // no attempt wrote it
	}
	return &c
}

// swap makes c current in tokens and access. It has a quarter of the budget, so that the row can
// be settled whatever the secrets do.
func (a *visit) swap(ctx context.Context, c chain, k copies) (tokens, access error) {
	ctx, cancel := context.WithTimeout(ctx, a.StoreTimeout/4)
	defer cancel()
	tokens, access = k.tokens, k.access
	var steps []func()
	if k.access == nil && !k.accessCurrent && k.held {
		// Together with tokens, and even if tokens takes no version: readers wait for it. If
		// somebody else's version of tokens stands, the row is due and the refresh makes access
		// follow. The current version of access was read before the claim.
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
	_, moved := errors.AsType[*store.MovedError](tokens)
	if unpublished := access != nil || !k.held && !k.accessCurrent; unpublished && !moved {
		access = a.publish(ctx, c)
	}
	return tokens, access
}

// promoteTokens is the compare-and-swap of the chain, from the version that was current before the
// claim. held: see copies.held.
func (a *visit) promoteTokens(ctx context.Context, c chain, held bool) error {
	return a.retry(ctx, 0, func(ctx context.Context) error {
		err := a.Secrets.Promote(ctx, a.v.Row.Key, store.TokensDoc, a.v.Row.BaseVersionID, c.attemptID)
		moved, ok := errors.AsType[*store.MovedError](err)
		if !ok {
			return err
		}
		replace, readErr := a.replaceable(ctx, moved.Current, held)
		if readErr != nil {
			return readErr
		}
		if replace {
			return a.Secrets.Promote(ctx, a.v.Row.Key, store.TokensDoc, moved.Current, c.attemptID)
		}
		return err
	})
}

// replaceable reports whether version id of tokens, which became current since the claim, may still
// be replaced. It may if its refresh token was presented: an abandoned write landed late, or a
// person's edit kept the token. If nobody has claimed since, it also may if a person has copied an
// old version, or if another attempt wrote it and the claim was held when this run's reply was
// kept: then that version is older.
func (a *visit) replaceable(ctx context.Context, id string, held bool) (bool, error) {
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
	case readable && (a.v.copied(id, c) || held && c.attemptID == id):
		return a.stillHeld(ctx)
	}
	return false, nil
}

// publish makes access follow tokens, which holds c. It stops if another run has claimed since,
// because access may be that run's already.
func (a *visit) publish(ctx context.Context, c chain) error {
	current, err := a.stage(ctx, store.AccessDoc, c)
	if err != nil || current {
		return err
	}
	if !a.v.access.done || a.v.access.Err != nil {
		a.gather(ctx, Needs{Access: true})
	}
	if err := a.v.access.Err; err != nil {
		return err
	}
	from := a.v.access.ID
	return a.retry(ctx, 0, func(ctx context.Context) error {
		for range publishTries {
			// Checked after the label was read: a run that claims after this moves it again.
			held, err := a.stillHeld(ctx)
			if err != nil {
				return err
			}
			if !held {
				return errClaimLost
			}
			err = a.Secrets.Promote(ctx, a.v.Row.Key, store.AccessDoc, from, c.attemptID)
			moved, ok := errors.AsType[*store.MovedError](err)
			if !ok {
				return err
			}
			from = moved.Current
		}
		return fmt.Errorf("given up: others were faster %d times", publishTries)
	})
}
