package sweep

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"tokenrefresh/pkg/outcome"
	"tokenrefresh/pkg/pace"
	"tokenrefresh/pkg/providers"
	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

const (
	// sendTries is how often a refresh token is presented in one run: presenting it
	// again harms nothing.
	sendTries = 3
	// sendAgain is the first wait before that, give or take a half; it doubles.
	sendAgain = 300 * time.Millisecond
)

// refresh presents a row's refresh token and stores what comes of it.
func (s *sweep) refresh(ctx context.Context, t store.Transaction) {
	d := entry(t)
	tokens, err := s.send(ctx, t)
	if err == nil {
		s.keep(ctx, t, tokens)
		return
	}
	switch providers.KindOf(err) {
	case providers.RateLimited:
		s.limit(s.Now().Add(pace.RetryAfter(retryAfter(err), t.AccessExpiresAt.Sub(s.Now()))))
		s.left(outcome.RateLimited, d)
		s.say(outcome.RateLimited, err)
	case providers.Misconfigured, providers.MaybeRefused, providers.TurnedAway:
		s.stop(outcome.Misconfigured)
		s.left(outcome.Misconfigured, d)
		s.say(outcome.Misconfigured, fmt.Errorf("the secret %s/credentials is refused: %w", s.key(s.account), err))
	case providers.Refused:
		s.bury(ctx, t, err)
	case providers.NotSent, providers.Unknown:
		if ctx.Err() != nil { // the caller gave up, not the provider
			s.putOff(ctx.Err(), d)
			return
		}
		s.backOff(ctx, t, err)
	}
}

// send presents the refresh token, again where the call ended in no answer.
func (s *sweep) send(ctx context.Context, t store.Transaction) (providers.Tokens, error) {
	wait := sendAgain
	for try := 1; ; try++ {
		callCtx, cancel := context.WithTimeout(ctx, s.SendTimeout+pace.LastWord)
		began := time.Now()
		tokens, err := s.session.Refresh(callCtx, t.RefreshToken)
		cancel()
		s.timed(time.Since(began), tokens)

		kind := providers.KindOf(err)
		if err == nil || kind != providers.NotSent && kind != providers.Unknown {
			return tokens, err
		}
		if try == 1 && ctx.Err() == nil {
			s.troubled(err)
		}
		jitter := rand.N(wait) //nolint:gosec // it spreads retries and guards nothing
		if try == sendTries || !pace.Sleep(ctx, wait/2+jitter) || s.goOn(ctx) != nil {
			return tokens, err
		}
		wait *= 2
	}
}

// keep stores a good reply in one write.
func (s *sweep) keep(ctx context.Context, t store.Transaction, tokens providers.Tokens) {
	for _, warning := range tokens.Warnings {
		s.warn(warning)
	}
	if tokens.TransactionID != 0 && tokens.TransactionID != t.ID {
		s.warn(fmt.Sprintf("the reply for transaction %d names transaction %d", t.ID, tokens.TransactionID))
	}
	next := t
	if !tokens.RefreshToken.Blank() {
		next.RefreshToken = tokens.RefreshToken
	}
	next.AccessToken = tokens.AccessToken
	next.ClientToken = tokens.ClientToken // an older one must not look fresh
	next.AccessExpiresAt = tokens.AccessExpiresAt
	setDue(&next, tokens.IssuedAt.Add(
		pace.Refresh(strconv.FormatInt(t.ID, 10), tokens.AccessExpiresAt.Sub(tokens.IssuedAt))))
	next.Status = store.StatusActive
	next.Failures = 0

	err := s.update(ctx, next, t.RefreshToken)
	switch {
	case err == nil:
		s.calm()
		s.outlook(next.RefreshAt, next.AccessExpiresAt, 0)
		s.count(outcome.Refreshed, 1)
	case errors.Is(err, store.ErrChanged):
		s.calm()
		s.count(outcome.Superseded, 1)
	default:
		err = fmt.Errorf("store the reply for transaction %d: %w", t.ID, err)
		s.Log.ErrorContext(ctx, "reply not stored", "account", s.account, "transaction_id", t.ID, "error", err)
		s.left(outcome.PersistFailed, entry(t))
		s.say(outcome.PersistFailed, err)
		if lasting(err) == outcome.Misconfigured {
			s.stop(outcome.Transient) // no row can be written
			return
		}
		s.troubled(err)
	}
}

// bury ends a row whose refresh token the provider refuses: it leaves the index.
func (s *sweep) bury(ctx context.Context, t store.Transaction, cause error) {
	next := t
	next.Status = store.StatusDead
	next.RefreshAt = time.Time{}
	next.Failures++
	s.Log.WarnContext(ctx, "transaction is dead", "account", s.account, "transaction_id", t.ID, "error", cause)
	s.fail(ctx, t, next, outcome.Dead)
}

// backOff pushes a row whose call ended in no answer back in the index, so that it
// does not stand in the others' way.
func (s *sweep) backOff(ctx context.Context, t store.Transaction, cause error) {
	next := t
	next.Failures++
	setDue(&next, s.Now().Add(pace.Backoff(next.Failures)))
	s.say(outcome.Transient, fmt.Errorf("transaction %d: %w", t.ID, cause))
	s.outlook(next.RefreshAt, orElse(t.AccessExpiresAt, t.RefreshAt), next.Failures) // without a token since it was due
	s.fail(ctx, t, next, outcome.Transient)
}

// fail stores what a failed call changes. Where that fails the row stays due, and
// the next run finds the same.
func (s *sweep) fail(ctx context.Context, t, next store.Transaction, what outcome.Outcome) {
	err := s.update(ctx, next, t.RefreshToken)
	switch {
	case err == nil:
		if what == outcome.Dead {
			s.calm() // the provider answered
		}
		s.count(what, 1)
	case errors.Is(err, store.ErrChanged):
		s.count(outcome.Superseded, 1)
	default:
		s.left(lasting(err), entry(t))
		s.storeFailed(fmt.Errorf("write transaction %d: %w", t.ID, err))
	}
}

// update writes a row if its refresh token is still the one presented, and tries
// until it is written or the budget for storing ends.
func (s *sweep) update(ctx context.Context, next store.Transaction, presented secret.String) error {
	ctx, cancel := s.persistContext(ctx)
	defer cancel()
	tries := 0
	err := retry(ctx, 0, func(ctx context.Context) error {
		tries++
		return s.Transactions.Update(ctx, next, presented)
	})
	if errors.Is(err, store.ErrChanged) && tries > 1 && next.RefreshToken != presented {
		// A try before may have been done, although it took no answer.
		stored, found, getErr := s.Transactions.Get(ctx, next.ID)
		if getErr == nil && found && stored.RefreshToken == next.RefreshToken {
			return nil
		}
	}
	return err
}

// retryAfter is the wait that a rate limit asked for; 0 where it asked for none.
func retryAfter(err error) time.Duration {
	var limited *providers.Error
	if errors.As(err, &limited) {
		return limited.RetryAfter
	}
	return 0
}

// setDue makes the row due at a moment. A row that would be due after its end leaves the
// index with its last refresh: ended rows that a store has not deleted yet would be the
// first in it, and read at each tick.
func setDue(t *store.Transaction, at time.Time) {
	t.RefreshAt = at
	if !t.ExpiresAt.IsZero() && !at.Before(t.ExpiresAt) {
		t.RefreshAt = time.Time{}
	}
}

// entry is the row's entry in the due index.
func entry(t store.Transaction) store.Due {
	return store.Due{ID: t.ID, RefreshAt: t.RefreshAt, AccessExpiresAt: t.AccessExpiresAt, Failures: t.Failures}
}
